#!/usr/bin/env bash
# Tries what docs/operations.md tells whoever runs a server, with the files of deploy/ as they stand there: the systemd units, nginx
# before the server, the backup while it is written to, the graceful stop, the restoration. Usage: deploy-valid.sh [BINARY]
# Needs systemd, nginx, openssl and curl (Debian: systemd nginx-light openssl curl).
set -euo pipefail
cd "$(dirname "$0")/.."
binary=$(realpath "${1:-target/release/trialwright}")
dir=$(mktemp -d)
children=()
trap 'for child in "${children[@]}"; do kill "$child" 2>/dev/null || true; done; wait; rm -rf "$dir"' EXIT
fail() { echo "deploy-valid.sh: $*" >&2; exit 1; }
mkdir -p "$dir/bin" "$dir/units" "$dir/data" "$dir/backups" "$dir/log"
ln -s "$binary" "$dir/bin/trialwright"
export PATH="$dir/bin:$PATH" NO_PROXY='*'

echo "== the units of systemd"
for unit in deploy/*.service deploy/*.timer; do
  sed "s|/usr/local/bin/trialwright|$binary|; s|/usr/local/sbin/trialwright-backup|$PWD/deploy/trialwright-backup|" "$unit" \
    >"$dir/units/$(basename "$unit")"
done
said=$(systemd-analyze verify "$dir"/units/* 2>&1) || fail "systemd-analyze verify: $said"
[ -z "$said" ] || fail "systemd-analyze verify: $said"
systemd-analyze security --offline=true --threshold=20 "$dir/units/trialwright.service" >"$dir/log/security" ||
  fail "$(tail -1 "$dir/log/security")"
tail -1 "$dir/log/security"

echo "== a trial behind nginx"
port=$((20000 + RANDOM % 10000)); tls=$((port + 1)); plain=$((port + 2)); site="https://localhost:$tls"
trialwright demo --dir "$dir/data" --sites 2 --subjects 8 >/dev/null
ledger=$dir/data/trial.sqlite
password='violet anchors hum quietly 47'
printf '%s\n' "$password" | trialwright user add cora --name 'Cora Example' --email cora@example.org --role site-coordinator --site 01 \
  --ledger "$ledger" >/dev/null
openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -addext subjectAltName=DNS:localhost \
  -keyout "$dir/key.pem" -out "$dir/cert.pem" 2>/dev/null
sed "s|/etc/letsencrypt/live/trial.example.org/fullchain.pem|$dir/cert.pem|
     s|/etc/letsencrypt/live/trial.example.org/privkey.pem|$dir/key.pem|
     s|trial.example.org|localhost|; s|127.0.0.1:8080|127.0.0.1:$port|; /listen \[::\]/d
     s|listen 443 |listen 127.0.0.1:$tls |; s|listen 80;|listen 127.0.0.1:$plain;|
     s|/var/log/nginx/trialwright.log|$dir/log/nginx-errors|" deploy/nginx.conf >"$dir/site.conf"
cat >"$dir/nginx.conf" <<NGINX
pid $dir/nginx.pid; daemon off; worker_processes 1; error_log $dir/log/nginx;
events { worker_connections 256; }
http { client_body_temp_path $dir/body; proxy_temp_path $dir/proxy; fastcgi_temp_path $dir/f; uwsgi_temp_path $dir/u;
  scgi_temp_path $dir/s; include $dir/site.conf; }
NGINX
nginx -t -q -p "$dir" -c "$dir/nginx.conf" 2>"$dir/log/test" || fail "nginx -t: $(cat "$dir/log/test")"
nginx -p "$dir" -c "$dir/nginx.conf" 2>>"$dir/log/nginx" & children+=($!)
serve() { # LEDGER: until it is ready
  trialwright serve "$1" --listen "127.0.0.1:$port" --behind-proxy --public-address "$site" --log json 2>>"$dir/log/server" &
  server=$!
  children+=("$server")
  for _ in $(seq 300); do
    kill -0 "$server" 2>/dev/null || fail "the server went down: $(tail -3 "$dir/log/server")"
    curl -sf "http://127.0.0.1:$port/health/ready" >/dev/null && return
    sleep 0.1
  done
  fail "the server is not ready: $(curl -s "http://127.0.0.1:$port/health/ready")"
}
browse() { curl -s --cacert "$dir/cert.pem" -b "$dir/jar" -c "$dir/jar" "$@"; }
field() { grep -o "name=\"$1\"[^>]*value=\"[^\"]*\"" | head -1 | sed 's/.*value="//; s/"$//'; }
log_in() { # answers the status
  rm -f "$dir/jar"
  local page; page=$(browse "$site/log-in" | field _page)
  browse -o /dev/null -w '%{http_code}' "$site/log-in" -H "Origin: $site" --data-urlencode "_page=$page" \
    --data-urlencode name=cora --data-urlencode "password=$password"
}
serve "$ledger"
heads=$(browse -D - -o /dev/null "$site/log-in")
for head in 'HTTP/2 200' 'strict-transport-security: max-age=31536000' 'content-security-policy: default-src' \
  'set-cookie: __Host-trialwright-page=' 'Secure' 'HttpOnly' 'SameSite=Lax'; do
  grep -qi "$head" <<<"$heads" || fail "behind nginx there is no '$head' in: $heads"
done
[ "$(curl -s -o /dev/null -w '%{redirect_url}' "http://localhost:$plain/log-in")" = "https://localhost/log-in" ] || fail "plain HTTP is not sent on"
for address in "$site/metrics" "http://127.0.0.1:$port/metrics"; do
  [ "$(browse -o /dev/null -w '%{http_code}' "$address")" = 404 ] || fail "$address is open"
done
[ "$(log_in)" = 303 ] || fail "nobody can log in behind nginx"
home=$(browse -L "$site/"); trial=$(grep -o '/t/[^/"]*' <<<"$home" | head -1)
[ "$(browse -o /dev/null -w '%{http_code}' "$site/account/name" -H 'Origin: https://elsewhere.example' -d display_name=x)" = 403 ] ||
  fail "a form of another site was taken"

echo "== backups while it is written to, and a stop"
screen() { # screens subjects until it may not; one line each that was answered
  while :; do
    page=$(browse "$site$trial/screen") || return 0
    number=$(field number <<<"$page"); seen=$(field _seen <<<"$page"); csrf=$(field _csrf <<<"$page")
    [ -n "$number" ] || return 0
    status=$(browse -o /dev/null -w '%{http_code}' "$site$trial/screen" -d site=01 -d "number=$number" -d "_seen=$seen" -d "_csrf=$csrf") || return 0
    [ "$status" = 303 ] && echo "$number" >>"$dir/answered"
  done
}
: >"$dir/answered"
before=$(trialwright export-audit "$ledger" --json | grep -c subject_screened)
screen & load=$!; children+=("$load")
export TRIALWRIGHT_DATA=$dir/data TRIALWRIGHT_BACKUPS=$dir/backups TRIALWRIGHT_SIGNING_KEY=$dir/signing.key
for _ in 1 2 3; do
  sleep 1.5
  deploy/trialwright-backup >>"$dir/log/backup" 2>&1 || fail "the backup failed: $(tail -3 "$dir/log/backup")"
done
kill -TERM "$server"
wait "$server" || fail "the server did not stop gracefully: $?"
wait "$load" || true
answered=$(wc -l <"$dir/answered")
recorded=$(($(trialwright export-audit "$ledger" --json | grep -c subject_screened) - before))
[ "$answered" -gt 3 ] && [ "$answered" = "$recorded" ] || fail "$answered screenings were answered, $recorded recorded"
for copy in "$dir"/backups/trial-*.sqlite; do
  trialwright verify "$copy" >/dev/null || fail "$copy does not verify"
done
[ "$(find "$dir/backups" -name '*.sqlite' -perm 600 | wc -l)" = 6 ] || fail "copies are missing, or open to others: $(ls -l "$dir/backups")"

echo "== the last backup brought back"
mkdir "$dir/again"
last=$(ls "$dir"/backups/trial-*.sqlite | tail -1)
trialwright restore "$last" "$dir/again/trial.sqlite" --checkpoint "$dir/backups/checkpoints.jsonl" >/dev/null
cp -p "$(ls "$dir"/backups/people-*.sqlite | tail -1)" "$dir/again/people.sqlite"
cp -p "$dir/data/trial.seed" "$dir/data/people.key" "$dir/again/"
trialwright verify "$dir/again/trial.sqlite" --checkpoint "$dir/backups/checkpoints.jsonl" >/dev/null
trialwright export-audit "$dir/again/trial.sqlite" >"$dir/trail.csv"
serve "$dir/again/trial.sqlite"
[ "$(log_in)" = 303 ] || fail "nobody can log in to what was brought back"
kill -TERM "$server"; wait "$server" || fail "it did not stop gracefully"
for secret in "$password" 01-; do
  ! grep -q -- "$secret" "$dir/log/server" "$dir/log/nginx" || fail "a log names '$secret'"
done
echo "$answered subjects were screened meanwhile; three backups verify, the last runs again"
