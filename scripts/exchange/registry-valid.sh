#!/usr/bin/env bash
# Holds the results section that the built binary writes of a ledger, and the study record its tests read, against models that were
# generated from ClinicalTrials.gov's own OpenAPI document (altissimo-clinicaltrials of PyPI), in a virtual environment of its own.
# Usage: registry-valid.sh [BINARY [LEDGER]]; without a ledger a virtual trial is made.
set -euo pipefail
cd "$(dirname "$0")/../.."

. scripts/exchange/ledger.sh
"$binary" registry-results "$ledger" --out "$dir/results.json" 2>/dev/null
python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" install --quiet --disable-pip-version-check 'altissimo-clinicaltrials==2.0.5'
for file in "$dir/results.json" crates/exchange/tests/data/registry/example-v2.json; do
  "$dir/venv/bin/python" scripts/exchange/registry_valid.py "$file"
done

# A check that cannot fail is none: a number where a text belongs, and a member that the registry does not know.
for change in 's/"numSubjects": "/"numberOfSubjects": "/' 's/"type": "PRIMARY"/"type": "FIRST"/'; do
  sed "$change" "$dir/results.json" >"$dir/wrong.json"
  if "$dir/venv/bin/python" scripts/exchange/registry_valid.py "$dir/wrong.json" >/dev/null 2>&1; then
    echo "registry-valid.sh: the models took $change" >&2
    exit 1
  fi
done
