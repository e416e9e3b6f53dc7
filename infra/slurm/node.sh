# shellcheck shell=bash
# What the first node and the others share: where commands run, what a node gives Ray, how it starts and ends.
# To be sourced, by graticule.sbatch and worker.sh, which set `root`, graticule's folder.
shopt -s inherit_errexit

# shellcheck disable=SC2034  # for those who source this
again="the same command goes on where it stopped: sbatch it again, or: scontrol requeue ${SLURM_JOB_ID:-}"
scratch=${GRATICULE_SCRATCH:-/tmp}
gpus=${SLURM_GPUS_ON_NODE:-0}

say() {
  printf 'graticule.sbatch: %s\n' "$1" >&2
}

# One line for the user; the status is 1 unless another is given.
fail() {
  say "$1"
  exit "${2:-1}"
}

# The same for a Ray that has ended: why, as far as its process or its log tells.
fail_by_log() {
  local status=0 last
  wait "$2" 2>/dev/null || status=$?
  if ((status > 128)); then fail "$1: killed by signal $((status - 128)), for want of memory perhaps"; fi
  last=$(grep -v '^[[:space:]]*$' "$folder/ray.log" | tail -n 1) || true
  fail "$1: ${last:-no word of it}"
}

# Refuse a variable that holds anything but a whole number above 0.
check_number() {
  local value=${!1:-$2}
  if [[ ! $value =~ ^[1-9][0-9]{0,8}$ ]]; then
    fail "$1 is ${value@Q}; give a whole number, such as $2" 2
  fi
}

joined() {
  local IFS=,
  echo "$*"
}

# Set `inside`, the words before a command, and `project`, where it runs.
use_environment() {
  inside=()
  # shellcheck disable=SC2154  # root: set by those who source this
  project=$root
  cd "$root"
  if [[ -n ${GRATICULE_MODULES:-} ]]; then load_modules; fi
  if [[ -n ${GRATICULE_IMAGE:-} ]]; then use_image; else use_venv; fi
  # Nothing of another Ray.
  unset RAY_ADDRESS RAY_API_SERVER_ADDRESS RAY_AUTH_TOKEN
  # Slurm kills half a minute after it asks; Ray would wait as long for its tasks to drain.
  export RAY_AUTH_MODE=token RAY_USAGE_STATS_ENABLED=0 RAY_GRACEFUL_SHUTDOWN_DRAIN_TIMEOUT_S=0
}

load_modules() {
  local name
  if ! command -v module >/dev/null; then
    fail "GRATICULE_MODULES is set, but $HOSTNAME knows no command module; load them before sbatch instead" 2
  fi
  for name in $GRATICULE_MODULES; do
    set +eu # module files are not written for strict shells
    if ! module load "$name"; then fail "module load $name failed on $HOSTNAME; see module avail" 2; fi
    set -eu
  done
}

use_image() {
  local engine
  if [[ ! -f $GRATICULE_IMAGE ]]; then fail "GRATICULE_IMAGE: no file $GRATICULE_IMAGE; build it: docs/deploy/slurm.md" 2; fi
  if ! engine=$(command -v apptainer || command -v singularity); then
    fail "GRATICULE_IMAGE is set, but $HOSTNAME has no apptainer; name its module in GRATICULE_MODULES" 2
  fi
  project=/opt/graticule
  inside=("$engine" exec --pwd "$project")
  if [[ $scratch != /tmp ]]; then inside+=(--bind "$scratch"); fi
  if ((gpus > 0)); then inside+=(--nv); fi
  inside+=("$GRATICULE_IMAGE")
}

use_venv() {
  local venv=${GRATICULE_VENV:-$root/.venv}
  if [[ -d $venv/bin ]]; then
    export PATH=$venv/bin:$PATH
  elif [[ -n ${GRATICULE_VENV:-} ]]; then
    fail "GRATICULE_VENV: no virtual environment $GRATICULE_VENV; make one: docs/deploy/slurm.md" 2
  fi
  if ! command -v ray >/dev/null; then
    fail "no ray on $HOSTNAME; set GRATICULE_VENV, GRATICULE_MODULES or GRATICULE_IMAGE" 2
  fi
}

# A folder of this job on this node, for nobody else. Ray opens the one it is given to everybody: it gets one inside.
open_folder() {
  umask 077
  if ! folder=$(mktemp -d "$scratch/ray.$SLURM_JOB_ID.XXXXXX"); then
    fail "cannot write to $scratch on $HOSTNAME; set GRATICULE_SCRATCH to a local disk" 2
  fi
  temp=$folder/r
  token=$folder/token
  export RAY_AUTH_TOKEN_PATH=$token
  # A socket's path has 107 characters at most, of which Ray takes 68.
  if ((${#temp} > 39)); then
    fail "$scratch is too long a path for Ray's sockets; set GRATICULE_SCRATCH to a shorter one, such as /tmp" 2
  fi
}

close_folder() {
  if [[ -z ${folder:-} ]]; then return; fi
  if [[ -n ${GRATICULE_RAY_LOGS:-} && -d $temp/session_latest/logs ]]; then
    local kept=$GRATICULE_RAY_LOGS/$SLURM_JOB_ID/$1
    if ! { mkdir -p "$kept" && cp -r "$folder/ray.log" "$temp/session_latest/logs" "$kept"; }; then
      say "GRATICULE_RAY_LOGS: cannot write to $kept"
    fi
  fi
  rm -rf "$folder"
}

# Start Ray as the node of this name, in the background, with what Slurm granted here. Ports that are not given are
# the system's choice, since allocations share nodes.
start_ray() {
  local name=$1 cpus memory_mib store_mib
  cpus=${SLURM_CPUS_ON_NODE:-${SLURM_CPUS_PER_TASK:-1}}
  memory_mib=$(granted_mib "$cpus")
  store_mib=$(within $((memory_mib / 10)) 256 8192)
  store_mib=${GRATICULE_OBJECT_STORE_MIB:-$store_mib}
  if ((store_mib >= memory_mib)); then
    fail "GRATICULE_OBJECT_STORE_MIB is $store_mib, and $name has $memory_mib MiB in all; give less, or sbatch --mem more" 2
  fi
  "${inside[@]}" ray start --block --node-name="$name" --temp-dir="$temp" --dashboard-agent-listen-port=0 \
    --num-cpus="$cpus" --num-gpus="$gpus" --memory=$(((memory_mib - store_mib) << 20)) \
    --object-store-memory=$((store_mib << 20)) --min-worker-port=0 --max-worker-port=0 --log-style=record \
    --log-color=false "${@:2}" >"$folder/ray.log" 2>&1 </dev/null &
}

# What Slurm granted on this node; all there is where it does not say (--mem=0).
granted_mib() {
  local all granted=${SLURM_MEM_PER_NODE:-0}
  if ((granted == 0)); then granted=$((${SLURM_MEM_PER_CPU:-0} * $1)); fi
  if ((granted == 0)); then granted=$((${SLURM_MEM_PER_GPU:-0} * gpus)); fi
  all=$(awk '/^MemTotal:/ {print int($2 / 1024)}' /proc/meminfo)
  echo $((granted > 0 && granted < all ? granted : all))
}

within() {
  echo $(($1 < $2 ? $2 : $1 > $3 ? $3 : $1))
}

# The first port from this one on where nobody listens.
free_port() {
  local port=$1
  while (: <"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do port=$((port + 1)); done
  echo "$port"
}

has_ended() {
  ! kill -0 "$1" 2>/dev/null
}

# Ask processes to end; after 10 seconds, end them. An empty name is none.
end_processes() {
  local process deadline=$((SECONDS + 10))
  for process; do
    if [[ -n $process ]]; then kill -TERM "$process" 2>/dev/null || true; fi
  done
  for process; do
    if [[ -z $process ]]; then continue; fi
    until has_ended "$process" || ((SECONDS > deadline)); do sleep 0.1; done
    kill -KILL "$process" 2>/dev/null || true
    wait "$process" 2>/dev/null || true
  done
}
