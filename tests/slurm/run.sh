#!/usr/bin/env bash
# `make test-slurm`: a real SLURM of one node, in a temporary folder, and check.py on it. Needs root on Debian or Ubuntu.
# Usage: tests/slurm/run.sh PYTHON
set -euo pipefail

python=$1
source=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
host=$(hostname -s)

step() { printf 'test-slurm: %s\n' "$*"; }
fail() { step "FAILED: $*" >&2; exit 1; }

[ "$(id -u)" = 0 ] || fail "must be root: it starts munged, slurmctld and slurmd"
export PATH="$PATH:/usr/sbin"
if ! command -v slurmctld slurmd munged >/dev/null; then
  step "installing Debian's slurm-wlm and munge"
  command -v apt-get >/dev/null || fail "no slurmctld here, and no apt-get to install it with"
  apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends slurm-wlm munge >/dev/null
fi

work=$(mktemp -d)
daemons=()
clean_up() {
  code=$?
  trap - EXIT INT TERM
  scancel --quiet --full --signal=KILL --me 2>/dev/null || true
  for ((i = ${#daemons[@]} - 1; i >= 0; i--)); do kill "${daemons[i]}" 2>/dev/null || true; done
  for pid in "${daemons[@]}"; do wait "$pid" 2>/dev/null || true; done
  if [ "$code" = 0 ]; then rm -rf "$work"; step "passed; daemons stopped"; else step "FAILED (exit $code); daemons stopped; logs stay in $work" >&2; fi
  exit "$code"
}
trap clean_up EXIT
trap 'exit 130' INT TERM

step "one node, daemons' files in $work"
chmod 755 "$work"
mkdir -p "$work/state" "$work/spool"
dd if=/dev/urandom of="$work/munge.key" bs=1024 count=1 status=none
chmod 600 "$work/munge.key"
# Credentials expire soon because a job that went back into the queue waits for that long before it starts again.
cat > "$work/slurm.conf" <<CONF
ClusterName=repro
SlurmctldHost=$host
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket=$work/munge.socket,cred_expire=5
CredType=cred/munge
SlurmctldPort=16817
SlurmdPort=16818
SlurmctldPidFile=$work/slurmctld.pid
SlurmdPidFile=$work/slurmd.pid
SlurmctldLogFile=$work/slurmctld.log
SlurmdLogFile=$work/slurmd.log
StateSaveLocation=$work/state
SlurmdSpoolDir=$work/spool
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SchedulerParameters=sched_interval=5
SlurmdParameters=config_overrides
JobRequeue=0
KillWait=5
ReturnToService=2
NodeName=$host NodeAddr=127.0.0.1 CPUs=4 State=UNKNOWN
PartitionName=main Nodes=$host Default=YES MaxTime=INFINITE State=UP
CONF
export SLURM_CONF="$work/slurm.conf"

munged --foreground --force --key-file="$work/munge.key" --socket="$work/munge.socket" --pid-file="$work/munged.pid" \
  --seed-file="$work/munged.seed" --log-file="$work/munged.log" >"$work/munged.out" 2>&1 &
daemons+=($!)
for _ in $(seq 50); do [ -S "$work/munge.socket" ] && break; sleep 0.2; done
[ -S "$work/munge.socket" ] || fail "munged did not start: $(tail -n 3 "$work/munged.log" "$work/munged.out")"
slurmctld -D -c >"$work/slurmctld.out" 2>&1 &
daemons+=($!)
slurmd -D -c >"$work/slurmd.out" 2>&1 &
daemons+=($!)
step "waiting for the node"
for _ in $(seq 60); do
  [ "$(sinfo --noheader --format=%T 2>/dev/null || true)" = idle ] && break
  sleep 1
done
[ "$(sinfo --noheader --format=%T)" = idle ] || fail "the node does not come up: $(sinfo; tail -n 3 "$work"/slurm*.log)"

cd "$work"
PYTHONPATH="$source" WANDB_MODE=disabled "$python" "$source/tests/slurm/check.py" "$work/checked"
