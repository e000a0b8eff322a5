#!/usr/bin/env bash
# Makes the statistician's bundle of a ledger with the built binary and runs its scripts: R with survival (and haven, where it is
# there), and Python with pandas and lifelines in a virtual environment of its own. Both must print Trialwright's numbers, of the whole
# trial and of an early cut, where some numbers do not exist yet. Usage: bundle-again.sh [BINARY [LEDGER]]
set -euo pipefail
cd "$(dirname "$0")/../.."

. scripts/exchange/ledger.sh
env="${BUNDLE_VENV:-$dir/venv}"
if ! [ -x "$env/bin/python" ]; then
  python3 -m venv "$env"
  "$env/bin/pip" install --quiet --disable-pip-version-check 'pandas>=2.2' 'lifelines==0.30.*'
fi
# The day by which a tenth of the ledger's visits were made: both arms have begun, few have failed.
"$binary" bundle "$ledger" --to "$dir/whole" >/dev/null 2>&1
cut=$("$env/bin/python" -c "
import pandas as pd, sys
days = pd.read_csv(sys.argv[1] + '/csv/visits.csv').SVSTDTC.dropna().sort_values()
print(days.iloc[len(days) // 10])" "$dir/whole")
"$binary" bundle "$ledger" --to "$dir/early" --cut "$cut" >/dev/null 2>&1
for bundle in whole early; do
  for run in "Rscript $dir/$bundle/primary.R" "$env/bin/python $dir/$bundle/primary.py"; do
    $run >"$dir/told" 2>"$dir/errors" || { cat "$dir/told" "$dir/errors" >&2; exit 1; }
    echo "$bundle, $(basename "${run##* }"): $(tail -1 "$dir/told")"
  done
done

# A check that cannot fail is none: one number changed in its sixth digit must be told by both.
awk -F, -v OFS=, '$1 == "logrank_chisq" { $4 = sprintf("%.15g", $4 * 1.000003) } 1' "$dir/whole/results/primary.csv" >"$dir/changed"
mv "$dir/changed" "$dir/whole/results/primary.csv"
if Rscript "$dir/whole/primary.R" >/dev/null 2>&1 || "$env/bin/python" "$dir/whole/primary.py" >/dev/null 2>&1; then
  echo "bundle-again.sh: a changed number passed" >&2
  exit 1
fi
