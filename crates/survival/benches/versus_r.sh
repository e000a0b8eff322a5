#!/bin/sh
# Kaplan-Meier, log-rank and Cox on the same file, here and in R: prints seconds and the ratio of the sums.
# From anywhere: sh crates/survival/benches/versus_r.sh [N ...]. Without Rscript only our own times are shown.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
speed() { cargo run --quiet --release --manifest-path "$here/../Cargo.toml" --example speed -- "$@"; }
for n in "${@:-10000 100000 1000000}"; do
  for size in $n; do
    speed make "$size" "$scratch/sample.csv"
    speed time "$scratch/sample.csv" > "$scratch/ours"
    echo "n = $size (seconds)"
    if command -v Rscript > /dev/null; then
      Rscript "$here/versus_r.R" "$scratch/sample.csv" > "$scratch/theirs"
      paste -d ' ' "$scratch/ours" "$scratch/theirs" | awk '
        { printf "  %-14s here %9.4f   R %9.3f   ratio %7.1f\n", $1, $2, $4, $4 / $2; a += $2; b += $4 }
        END { printf "  %-14s here %9.4f   R %9.3f   ratio %7.1f\n", "all", a, b, b / a }'
    else
      sed 's/^/  /' "$scratch/ours"
    fi
  done
done
