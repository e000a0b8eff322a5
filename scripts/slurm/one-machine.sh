#!/usr/bin/env bash
# Starts a real Slurm of one machine from Debian's packages, runs a simulation as a job array on it, and fails where the merged answer is not
# that of a single run, bit for bit. Says what it ran. Needs root (munge and slurmd do); leaves nothing running.
#   bash scripts/slurm/one-machine.sh [TRIALS] [SHARDS]
# TRIALWRIGHT names a binary to use; otherwise the release build is made.
set -euo pipefail
cd "$(dirname "$0")/../.."
trials=${1:-200000}
shards=${2:-4}
if [ "$(id -u)" -ne 0 ]; then echo "this needs root: munge and slurmd do" >&2; exit 1; fi
if [ -z "${TRIALWRIGHT:-}" ]; then
  cargo build --quiet --release --bin trialwright
  TRIALWRIGHT=${CARGO_TARGET_DIR:-target}/release/trialwright
fi
TRIALWRIGHT=$(realpath "$TRIALWRIGHT")
export TRIALWRIGHT

need=()
for pair in slurmctld:slurmctld slurmd:slurmd sbatch:slurm-client munged:munge; do
  command -v "${pair%%:*}" >/dev/null || need+=("${pair##*:}")
done
if [ "${#need[@]}" -gt 0 ]; then
  echo "installing ${need[*]}"
  apt-get update -qq
  # Debian would start the services with a configuration that is not there yet.
  DEBIAN_FRONTEND=noninteractive SYSTEMD_OFFLINE=1 apt-get install -y -qq --no-install-recommends "${need[@]}" >/dev/null
fi

room=$(mktemp -d)
chmod 755 "$room"
started=()
stop() {
  # In the reverse order, each by its own number.
  for ((i = ${#started[@]} - 1; i >= 0; i--)); do kill "${started[i]}" 2>/dev/null || true; done
  wait 2>/dev/null || true
  rm -rf "$room"
}
trap stop EXIT

host=$(hostname -s)
mkdir -p "$room"/{state,spool,munge,socket,log}
dd if=/dev/urandom of="$room/munge/key" bs=1024 count=1 status=none
chown -R munge: "$room/munge" "$room/socket"
chmod 700 "$room/munge"
chmod 400 "$room/munge/key"
# Its clients must reach the socket.
chmod 755 "$room/socket"
port=$((20000 + RANDOM % 20000))
cat >"$room/slurm.conf" <<CONF
ClusterName=one
SlurmctldHost=$host(127.0.0.1)
SlurmUser=root
SlurmctldPort=$port
SlurmdPort=$((port + 1))
AuthType=auth/munge
AuthInfo=socket=$room/socket/munge
CredType=cred/munge
StateSaveLocation=$room/state
SlurmdSpoolDir=$room/spool
SlurmctldPidFile=$room/slurmctld.pid
SlurmdPidFile=$room/slurmd.pid
SlurmctldLogFile=$room/log/slurmctld.log
SlurmdLogFile=$room/log/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SchedulerType=sched/builtin
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
ReturnToService=2
MpiDefault=none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
NodeName=$host NodeAddr=127.0.0.1 CPUs=$(nproc) RealMemory=$(awk '/MemTotal/ { print int($2 / 1024) }' /proc/meminfo) State=UNKNOWN
PartitionName=main Nodes=$host Default=YES MaxTime=INFINITE State=UP
CONF
export SLURM_CONF="$room/slurm.conf"

runuser -u munge -- munged --foreground --key-file="$room/munge/key" --socket="$room/socket/munge" --pid-file="$room/munge/pid" \
  --log-file="$room/munge/log" --seed-file="$room/munge/seed" 2>"$room/log/munged.out" & started+=($!)
for _ in $(seq 50); do [ -S "$room/socket/munge" ] && break; sleep 0.2; done
slurmctld -D -f "$SLURM_CONF" >"$room/log/slurmctld.out" 2>&1 & started+=($!)
slurmd -D -f "$SLURM_CONF" -N "$host" >"$room/log/slurmd.out" 2>&1 & started+=($!)
for _ in $(seq 100); do sinfo -h -o %T 2>/dev/null | grep -q idle && break; sleep 0.3; done
sinfo -h -o %T 2>/dev/null | grep -q idle || {
  echo "FAILED: Slurm did not come up" >&2
  tail -n 20 "$room"/log/* "$room/munge/log" >&2
  exit 1
}
echo "$(slurmctld -V) on $host, $(nproc) cores; $("$TRIALWRIGHT" --version)"

scenario=$(realpath scenarios/re-estimation.toml)
# The scenario names a shipped protocol, so the file alone is enough.
arguments="--sweep hazard-ratio=0.5,0.7"
echo "sbatch --array=1-$shards scripts/slurm/simulate.sbatch: $trials trials of $(basename "$scenario"), $arguments"
job=$(SCENARIO="$scenario" TRIALS="$trials" OUT="$room/out" ARGUMENTS="$arguments" \
  sbatch --parsable --chdir="$room" --output="$room/log/task-%a.log" --array="1-$shards" scripts/slurm/simulate.sbatch)
while squeue -h -j "$job" 2>/dev/null | grep -q .; do sleep 0.5; done
ls "$room/out"
cat "$room"/log/task-*.log
# shellcheck disable=SC2086
"$TRIALWRIGHT" simulate --scenario "$scenario" --trials "$trials" $arguments --json >"$room/single.json"
"$TRIALWRIGHT" simulate merge "$room"/out/shard-*.jsonl --json >"$room/merged.json"
cmp "$room/single.json" "$room/merged.json" || { echo "FAILED: the merged answer is not that of a single run"; exit 1; }
echo "job $job, $shards tasks: the merged answer is that of a single run, byte for byte ($(wc -c <"$room/merged.json") bytes)"
