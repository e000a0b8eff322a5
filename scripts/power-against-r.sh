#!/usr/bin/env bash
# Simulated event times against R and against theory; fails where they disagree or are too slow.
#   bash scripts/power-against-r.sh [TRIALS_IN_R [TRIALS_AGAINST_THEORY]]
# 10,000 in R and 1,000,000 against theory when not said; 1000000 takes R ten minutes and more.
# TRIALWRIGHT names a binary to use; otherwise the release build is made.
#
#  1. Speed: the power of 74 exponential times in two arms by the log-rank test, 10,000 and 1,000,000 trials here, on all cores and
#     on one thread, against a loop of survdiff in R, which has one; at least 100 times as fast a trial, and the same power. R's loop
#     costs the same a trial however often it runs: its time is told for a trial, with the number it ran. Ours has the start of the
#     program in it.
#  2. Theory: type I error and power of a small trial against its exact distribution.
#  3. Theory: the level of designs of three looks by several boundaries, 300 subjects.
set -euo pipefail
cd "$(dirname "$0")/.."
in_r=${1:-10000}
theory=${2:-1000000}
if [ -z "${TRIALWRIGHT:-}" ]; then
  cargo build --quiet --release --bin trialwright
  TRIALWRIGHT=${CARGO_TARGET_DIR:-target}/release/trialwright
fi
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
echo "$("$TRIALWRIGHT" --version), $(nproc) cores, $(R --version | head -1)"

# The counts of an answer: for the experimental arm, for the control arm, of how many.
counts() { sed -n '/"analyses": \[/,$p' "$1" | grep -A1 -E '"(experimental|control)": \{' | grep -o '"count": [0-9]*' | head -2 | grep -o '[0-9]*' | paste -sd' '; }
seconds() { local began; began=$(date +%s.%N); "$@"; date +%s.%N | awk -v began="$began" '{ print $1 - began }'; }
here() { local out=$1; shift; "$TRIALWRIGHT" simulate --effect-only --json "$@" >"$out"; }
# Two shares of trials that are within 4.5 standard errors of their difference (and a slack for what is true only nearly).
agree() { # WHAT COUNT OF EXPECTED ERROR_OF_EXPECTED SLACK
  awk -v what="$1" -v k="$2" -v n="$3" -v e="$4" -v se="$5" -v slack="$6" 'BEGIN {
    p = k / n; bound = 4.5 * sqrt(e * (1 - e) / n + se * se) + slack; d = p - e; if (d < 0) d = -d
    printf "  %-34s %.5f, expected %.5f, apart %.5f of at most %.5f\n", what, p, e, d, bound
    if (d > bound) { print "FAILED: they disagree"; exit 1 } }'
}

echo "1. 74 exponential times in two arms, log-rank test"
read -r n r_time r_processor r_count < <(Rscript scripts/power-against-r.R loop "$in_r")
awk -v n="$n" -v t="$r_time" -v p="$r_processor" 'BEGIN {
  printf "  R, survdiff in a loop %9d trials %9.3f s  %8.2f us a trial, of processor %.2f us\n", n, t, t / n * 1e6, p / n * 1e6 }'
for threads in "$(nproc)" 1; do
  for trials in 10000 1000000; do
    ours=$(seconds here "$scratch/ours.json" --scenario exponential-74 --trials "$trials" --threads "$threads")
    # The bar is for the program as it is run; one thread beside it says what a core is worth against R's.
    awk -v n="$trials" -v t="$ours" -v rn="$n" -v rt="$r_time" -v threads="$threads" -v all="$(nproc)" 'BEGIN {
      ratio = (rt / rn) / (t / n)
      printf "  here, %d thread(s)     %9d trials %9.3f s  %8.2f us a trial, %.0f times as fast a trial as R\n", threads, n, t, t / n * 1e6, ratio
      if (ratio < 100 && threads == all) { print "FAILED: less than 100 times as fast"; exit 1 } }'
  done
done
read -r up down < <(counts "$scratch/ours.json")
r_share=$(awk -v k="$r_count" -v n="$n" 'BEGIN { print k / n }')
r_error=$(awk -v p="$r_share" -v n="$n" 'BEGIN { print sqrt(p * (1 - p) / n) }')
agree "power, against R" $((up + down)) 1000000 "$r_share" "$r_error" 0

echo "2. 8 and 8 subjects, every order of their events; $theory trials"
for ratio in 1 0.4; do
  read -r exact_up exact_down < <(Rscript scripts/power-against-r.R exact 8 "$ratio")
  here "$scratch/small.json" --scenario exponential-74 --trials "$theory" --sweep subjects=16 --sweep "hazard-ratio=$ratio"
  read -r up down < <(counts "$scratch/small.json")
  agree "hazard ratio $ratio, for experimental" "$up" "$theory" "$exact_up" 0 0
  agree "hazard ratio $ratio, for control" "$down" "$theory" "$exact_down" 0 0
done

echo "3. Three looks, no effect; $theory trials each"
for design in 'boundary = "obrien-fleming"' 'boundary = "pocock"' 'boundary = "wang-tsiatis:0.25"' 'boundary = "hsd:-4", futility = "hsd:-2", binding = true'; do
  cat >"$scratch/looks.toml" <<TOML
title = "three looks"
subjects = 300
control = { median = 6 }
effect = { hazard_ratio = 1 }
accrual = { duration = 12 }
design = { events = 240, looks = [0.4, 0.7, 1.0], $design }
analyses = [{ id = "log-rank", method = "log-rank" }]
TOML
  here "$scratch/looks.json" --scenario "$scratch/looks.toml" --trials "$theory"
  read -r up down < <(counts "$scratch/looks.json")
  echo "  $design"
  # The statistic of 96 events is normal only nearly: a twentieth of the level.
  agree "for experimental" "$up" "$theory" 0.025 0 0.00125
  case "$design" in *futility*) ;; *) agree "for control" "$down" "$theory" 0.025 0 0.00125 ;; esac
done
echo "all agree"
