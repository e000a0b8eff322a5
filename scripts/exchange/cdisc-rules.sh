#!/usr/bin/env bash
# Runs CDISC's conformance rules of SDTMIG 3.4 on the XPT files of an export, by CDISC's rules engine of PyPI in a virtual environment
# of its own; fails on a finding that docs/cdisc-rules.md does not explain. Usage: cdisc-rules.sh EXPORT_DIRECTORY
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
docs="$here/../../docs/cdisc-rules.md"
sdtm=$1/xpt/sdtm
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
env="${CDISC_RULES_VENV:-$dir/venv}"
if ! [ -x "$env/bin/python" ]; then
  python3 -m venv "$env"
  "$env/bin/pip" install --quiet --disable-pip-version-check 'pandas==2.2.3' 'numpy<2.3' pyyaml click requests openpyxl cerberus \
    jsonschema xmlschema pathvalidate validators
  # What it pins itself (pandas 1.3.5) runs on Python 3.10 at the latest.
  "$env/bin/pip" install --quiet --disable-pip-version-check --no-deps cdisc-rules-engine==0.4.7.8 business-rules-enhanced==1.2.4 \
    python-dotenv==0.20.0 cdisc-library-client==0.1.4 odmlib==0.1.4 xport==3.6.1 redis==4.0.2
fi
"$env/bin/python" "$here/cdisc_rules.py" "$sdtm" "$docs"

# A check that cannot fail is none: an epoch that TA does not have must be found.
mkdir "$dir/wrong"
cp "$sdtm"/*.xpt "$dir/wrong"
sed -i 's/SCREENING/SCREENINK/g' "$dir/wrong/se.xpt"
"$env/bin/python" "$here/cdisc_rules.py" "$dir/wrong" "$docs" CG0009 >"$dir/told" 2>&1 || true
if ! grep -q "CG0009 SE: finding, .*NOT EXPLAINED" "$dir/told"; then
  echo "cdisc-rules.sh: an epoch that TA does not have passed:" >&2
  cat "$dir/told" >&2
  exit 1
fi
