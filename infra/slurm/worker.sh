#!/usr/bin/env bash
# Ray on one more node of an allocation: joins the head at ADDRESS. The token comes by standard input, and when that
# closes, or Slurm says so, all ends. Started by graticule.sbatch.
set -euo pipefail

main() {
  root=$(cd "${BASH_SOURCE[0]%/*}/../.." && pwd)
  # shellcheck source=node.sh
  source "$root/infra/slurm/node.sh"
  name=${SLURMD_NODENAME:-$HOSTNAME}
  trap 'end_of_node $?' EXIT
  trap 'exit 0' TERM INT
  use_environment
  open_folder
  head -c 64 >"$token"
  start_ray "$name" --address="$1"
  ray=$!
  cat <&0 >/dev/null &
  lifeline=$!
  wait -n 2>/dev/null || true
  if has_ended "$ray"; then fail_by_log "Ray ended on $name" "$ray"; fi
}

end_of_node() {
  trap '' TERM INT
  end_processes "${ray:-}" "${lifeline:-}"
  close_folder "$name"
  exit "$1"
}

main "$@"
