#!/bin/sh
# Kaplan-Meier, log-rank and Cox on the same file, here and in R: prints seconds, the ratios and that of the sums, the peak of
# memory a subject beyond the input, and the cost of the least any of them could do: one sort and one pass.
# From anywhere: sh crates/survival/benches/versus_r.sh [N ...]. Without Rscript only our own times are shown.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
speed() { cargo run --quiet --release --manifest-path "$here/../Cargo.toml" --example speed -- "$@"; }
for n in "${@:-10000 100000 1000000}"; do
  for size in $n; do
    speed make "$size" "$scratch/sample.csv"
    speed time "$scratch/sample.csv" > "$scratch/all"
    MALLOC_MMAP_THRESHOLD_=65536 speed memory "$scratch/sample.csv" > "$scratch/memory"
    paste -d ' ' "$scratch/all" "$scratch/memory" | grep -v '^limit' > "$scratch/ours"
    echo "n = $size (seconds)"
    if command -v Rscript > /dev/null; then
      Rscript "$here/versus_r.R" "$scratch/sample.csv" > "$scratch/theirs"
      paste -d ' ' "$scratch/ours" "$scratch/theirs" | awk '
        { printf "  %-14s here %9.4f   R %9.3f   ratio %7.1f   %4d bytes a subject\n", $1, $2, $6, $6 / $2, $4; a += $2; b += $6 }
        END { printf "  %-14s here %9.4f   R %9.3f   ratio %7.1f\n", "all", a, b, b / a }'
    else
      sed 's/^/  /' "$scratch/ours"
    fi
    awk '$1 == "limit" { printf "  %-14s here %9.4f   (one comparison sort and one pass)\n", "limit", $2 }' "$scratch/all"
  done
done
