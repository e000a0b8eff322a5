#!/usr/bin/env bash
# Opens a report in Chromium as a reader would: on a screen and on paper; fails where figures or pages are missing.
#   bash scripts/report-in-browser.sh REPORT.html [DIRECTORY_FOR_PICTURES]
set -euo pipefail
report=$(realpath "$1")
shots=${2:-$(mktemp -d)}
mkdir -p "$shots"
profile=$(mktemp -d)
trap 'rm -rf "$profile"' EXIT
browse() {
  timeout 120 chromium --headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking \
    --disable-component-update --disable-sync --user-data-dir="$profile" "$@" "file://$report" 2>/dev/null
}
browse --dump-dom >"$shots/report.dom"
browse --window-size=1300,1900 --screenshot="$shots/report.png" >/dev/null
browse --print-to-pdf="$shots/report.pdf" --no-pdf-header-footer >/dev/null
figures=$(grep -o '<svg' "$shots/report.dom" | wc -l)
pages=$(grep -ao '/Type */Page\b' "$shots/report.pdf" | wc -l)
echo "$figures figures on screen, $pages pages on paper, $(stat -c %s "$shots/report.png") bytes of screenshot"
[ "$figures" -ge 10 ] || { echo "FAILED: fewer than 10 figures"; exit 1; }
[ "$pages" -ge 5 ] || { echo "FAILED: fewer than 5 printed pages"; exit 1; }
[ "$(stat -c %s "$shots/report.png")" -gt 30000 ] || { echo "FAILED: the screenshot is blank"; exit 1; }
