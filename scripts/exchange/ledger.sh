# shellcheck shell=bash
# Sourced by the scripts that look at what the binary makes of a ledger, whose arguments are [BINARY [LEDGER]]. Sets `binary`, `dir` (a
# folder that goes with the script) and `ledger`, that of a virtual trial where none is given.
# shellcheck disable=SC2034 # they are the sourcing script's
binary=${1:-target/release/trialwright}
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
ledger=${2:-}
if [ -z "$ledger" ]; then
  "$binary" demo --dir "$dir/demo" >/dev/null
  ledger=$dir/demo/trial.sqlite
fi
