#!/usr/bin/env bash
# A real Slurm of two nodes on this machine, to try infra/slurm by hand: what the stand-ins claim, Slurm can show.
#
#   tests/slurm/real_slurm.sh start /tmp/slurm-here    # as root; needs the Debian packages slurm-wlm and munge
#   export SLURM_CONF=/tmp/slurm-here/slurm.conf
#   sbatch --nodes=2 --cpus-per-task=1 --mem=4G infra/slurm/graticule.sbatch jobs/track_dataset.py …
#   tests/slurm/real_slurm.sh stop /tmp/slurm-here
set -euo pipefail

main() {
  if (($# != 2)); then usage; fi
  folder=$2
  case $1 in
    start) start ;;
    stop) stop ;;
    *) usage ;;
  esac
}

usage() {
  echo "usage: ${0##*/} start|stop FOLDER" >&2
  exit 2
}

start() {
  mkdir -p "$folder"/{state,node1,node2,munge}
  chmod 700 "$folder/munge"
  configuration >"$folder/slurm.conf"
  if [[ ! -f $folder/munge/key ]]; then (umask 377 && head -c 1024 /dev/urandom >"$folder/munge/key"); fi
  munged --force --key-file="$folder/munge/key" --socket="$folder/munge/socket" --pid-file="$folder/munge.pid" \
    --log-file="$folder/munge/log" --seed-file="$folder/munge/seed"
  slurmctld -f "$folder/slurm.conf"
  slurmd -N node1 -f "$folder/slurm.conf"
  slurmd -N node2 -f "$folder/slurm.conf"
}

stop() {
  local file process
  for file in "$folder"/{node1,node2,slurmctld,munge}.pid; do
    if [[ ! -f $file ]]; then continue; fi
    process=$(<"$file")
    kill "$process" || true
  done
}

configuration() {
  local host address
  host=$(hostname)
  address=$(hostname -I | cut -d ' ' -f 1)
  cat <<END
ClusterName=here
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=16817
AuthType=auth/munge
AuthInfo=socket=$folder/munge/socket
SlurmUser=root
StateSaveLocation=$folder/state
SlurmdSpoolDir=$folder/%n
SlurmctldPidFile=$folder/slurmctld.pid
SlurmdPidFile=$folder/%n.pid
SlurmctldLogFile=$folder/slurmctld.log
SlurmdLogFile=$folder/%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
ReturnToService=2
AccountingStorageType=accounting_storage/none
NodeName=node1 NodeHostname=$host NodeAddr=$address Port=17001 CPUs=2 RealMemory=6000
NodeName=node2 NodeHostname=$host NodeAddr=$address Port=17002 CPUs=2 RealMemory=6000
PartitionName=all Nodes=ALL Default=YES State=UP
END
}

main "$@"
