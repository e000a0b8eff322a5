#!/usr/bin/env bash
# Holds every FHIR resource that the built binary writes of a ledger against fhir.resources of PyPI (its R4B models: R4's, for the
# types written here), in a virtual environment of its own. Usage: fhir-valid.sh [BINARY [LEDGER]]; without a ledger a virtual
# trial is made.
set -euo pipefail
cd "$(dirname "$0")/../.."

. scripts/exchange/ledger.sh
"$binary" fhir "$ledger" --to "$dir/fhir" >/dev/null
python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" install --quiet --disable-pip-version-check 'fhir.resources==8.3.0'
"$dir/venv/bin/python" scripts/exchange/fhir_valid.py "$dir/fhir"

# A check that cannot fail is none: a resource without what it needs, or with a code that is none, must be refused.
mkdir "$dir/wrong"
sed 's/"status":"on-study"/"status":"somewhere"/; s/"individual":/"person":/' "$dir/fhir/ResearchSubject.ndjson" >"$dir/wrong/ResearchSubject.ndjson"
if "$dir/venv/bin/python" scripts/exchange/fhir_valid.py "$dir/wrong" >/dev/null 2>&1; then
  echo "fhir-valid.sh: the validator took a ResearchSubject without an individual" >&2
  exit 1
fi
