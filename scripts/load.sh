#!/bin/sh
# Measures the server on two trials, of 74 and of 2,000 subjects: pages at 200 requests a second, durable saves a second from 50
# clients, the time to the first answer, memory. Prints each figure beside its bar and fails where one does not hold.
#
#   scripts/load.sh [DIR]      DIR keeps the trials for the next run; a temporary folder when not said
set -eu
cd "$(dirname "$0")/.."
cargo build --release --package trialwright --package server --bin trialwright --example load
target="${CARGO_TARGET_DIR:-target}/release"
if [ $# -gt 0 ]; then
    folder=$1
else
    folder=$(mktemp -d)
    trap 'rm -rf "$folder"' EXIT
fi
[ -e "$folder/people.sqlite" ] || "$target/examples/load" prepare "$folder" --subjects "${SUBJECTS:-2000}"
"$target/examples/load" measure "$folder" "$target/trialwright" --seconds "${SECONDS_EACH:-5}"
