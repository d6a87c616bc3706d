# What the scripts that run inside a booted Debian share: they source it. What they find goes to
# /results, a file a fact; one that fails says where, and what the units said, and ends the machine.
# shellcheck shell=bash
set -Euo pipefail
exec >>/results/log 2>&1
trap 'echo "failed at line $LINENO"; journalctl --no-pager --output=cat -u "edge-door-*" | tail -80; finish' ERR

units=(edge-door-door edge-door-sight edge-door-link)
# shellcheck disable=SC2034 # the scripts use it
config=/etc/edge-door/edge-door.toml

finish() {
  systemctl poweroff
  exit
}

await() { # await SECONDS COMMAND... : until it succeeds
  local end=$((SECONDS + $1))
  shift
  until "$@" >/dev/null 2>&1; do
    [ $SECONDS -lt $end ] || { echo "never: $*"; return 1; }
    sleep 1
  done
}

running() { # each of them: of several, is-active is content with one
  local unit
  for unit in "${units[@]}"; do
    systemctl is-active --quiet "$unit" || return 1
  done
}
