#!/usr/bin/env bash
# Validates the Define-XML of an export: scripts/exchange/define-valid.sh EXPORT_DIRECTORY
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
env="${TRIALWRIGHT_VENV:-$(mktemp -d)/venv}"
[ -x "$env/bin/python" ] || python3 -m venv "$env"
"$env/bin/pip" install --quiet --disable-pip-version-check odmlib xmlschema pyreadstat pandas
"$env/bin/python" "$here/define-valid.py" "$1"/*/*/define.xml
