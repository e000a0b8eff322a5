#!/usr/bin/env bash
# Holds the ODM-XML that the built binary writes of a ledger against the schema of ODM 1.3.2 and against odmlib, both of PyPI, in a
# virtual environment of its own. Usage: odm-valid.sh [BINARY [LEDGER]]; without a ledger a virtual trial is made.
set -euo pipefail
cd "$(dirname "$0")/../.."

. scripts/exchange/ledger.sh
"$binary" odm export "$ledger" --out "$dir/trial.xml"
python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" install --quiet --disable-pip-version-check 'odmlib==0.2.1' 'xmlschema==4.3.2'
"$dir/venv/bin/python" scripts/exchange/odm_valid.py "$dir/trial.xml"

# A check that cannot fail is none: an element out of its place must be refused, and a reference that leads nowhere.
sed 's|<GlobalVariables>|<GlobalVariables/><GlobalVariables>|' "$dir/trial.xml" >"$dir/wrong.xml"
if "$dir/venv/bin/python" scripts/exchange/odm_valid.py "$dir/wrong.xml" >/dev/null 2>&1; then
  echo "odm-valid.sh: the schema took a second GlobalVariables" >&2
  exit 1
fi
sed 's|FormOID="F.consent"|FormOID="F.nowhere"|' "$dir/trial.xml" >"$dir/wrong.xml"
if "$dir/venv/bin/python" scripts/exchange/odm_valid.py "$dir/wrong.xml" >/dev/null 2>&1; then
  echo "odm-valid.sh: odmlib took a form that the file does not define" >&2
  exit 1
fi
