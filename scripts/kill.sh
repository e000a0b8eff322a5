#!/bin/sh
# Kills the server with SIGKILL at random moments while 50 clients save and others read, and proves after each death that no
# acknowledged save is lost, that the ledger verifies and that the server starts again.
#
#   scripts/kill.sh [ROUNDS]
set -eu
cd "$(dirname "$0")/.."
cargo build --release --package trialwright --package server --bin trialwright --example load
target="${CARGO_TARGET_DIR:-target}/release"
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"$target/examples/load" prepare "$folder" --subjects 300
"$target/examples/load" kill "$folder" "$target/trialwright" --rounds "${1:-10}"
