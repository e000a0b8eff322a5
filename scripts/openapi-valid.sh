#!/usr/bin/env bash
# Holds the OpenAPI document that the built binary prints against the specification, by a validator that is not ours:
# openapi-spec-validator of PyPI, in a virtual environment of its own; on Debian it installs what makes one. Usage: openapi-valid.sh [BINARY]
set -euo pipefail
cd "$(dirname "$0")/.."

binary=${1:-target/release/trialwright}
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"$binary" openapi >"$dir/openapi.json"
if ! python3 -c 'import ensurepip, venv' 2>/dev/null; then
  if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    echo "openapi-valid.sh: python3 with venv and ensurepip is needed (Debian: apt-get install python3-venv)" >&2
    exit 1
  fi
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends python3 python3-venv >/dev/null
fi
python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" install --quiet --disable-pip-version-check 'openapi-spec-validator==0.9.0'
"$dir/venv/bin/openapi-spec-validator" --schema 3.1 --subschema-errors all "$dir/openapi.json"

# A check that cannot fail is none: with a reference that leads nowhere the validator must say no.
sed 's|#/components/schemas/Problem"|#/components/schemas/Nowhere"|' "$dir/openapi.json" >"$dir/wrong.json"
if "$dir/venv/bin/openapi-spec-validator" --schema 3.1 "$dir/wrong.json" >/dev/null 2>&1; then
  echo "openapi-valid.sh: the validator took a document whose reference leads nowhere" >&2
  exit 1
fi
