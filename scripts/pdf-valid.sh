#!/usr/bin/env bash
# Reads a report on paper, its figures and its Word tables with programs that are not ours, and holds them against the HTML.
#   bash scripts/pdf-valid.sh REPORT_DIRECTORY
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
env="${TRIALWRIGHT_VENV:-$(mktemp -d)/venv}"
[ -x "$env/bin/python" ] || python3 -m venv "$env"
"$env/bin/pip" install --quiet --disable-pip-version-check pikepdf pypdfium2 python-docx lxml
"$env/bin/python" "$here/pdf_valid.py" "$1"
