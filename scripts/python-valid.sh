#!/usr/bin/env bash
# Builds the Python package and holds it against R's reference values, lifelines and the built binary, its types against mypy and
# stubtest, in a virtual environment of its own. Usage: python-valid.sh [BINARY]
set -euo pipefail
cd "$(dirname "$0")/.."

TRIALWRIGHT=$(realpath "${1:-target/release/trialwright}")
# The root's folder, so that what both need of the libraries is built once.
CARGO_TARGET_DIR=$PWD/target
export TRIALWRIGHT CARGO_TARGET_DIR
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
python3 -m venv "$dir/venv"
# shellcheck disable=SC1091 # made just now
. "$dir/venv/bin/activate"
pip install --quiet --disable-pip-version-check -r python/tests/requirements.txt

cd python
cargo fmt --check
cargo clippy --quiet --locked --all-targets -- -D warnings
maturin develop --quiet --locked
ruff check --quiet .
ruff format --quiet --check .
mypy
python -m mypy.stubtest trialwright
pytest
