#!/bin/bash
# Runs inside a booted Debian: installs edge-door from /src, lets a film be the camera, restarts the
# machine, looks again, and takes edge-door off. What it finds goes to /results, a file a fact.
# shellcheck source=tests/emulated/inside.sh
source /src/tests/emulated/inside.sh

trace=/run/edge-door/fake-gpio.jsonl

granted() { # granted AFTER : a grant with a number above AFTER
  edge-door events --last 1000 --json |
    jq -e --argjson after "$1" 'any(.events[]; .reason == "granted" and .sequence > $after)'
}

last_event() {
  edge-door events --last 1 --json | jq '.events[-1].sequence // 0'
}

released() { # the relay's last level in the trace is off
  jq -se 'map(select(.line == 17 and has("on"))) | (map(.on) | any) and (last.on | not)' "$trace"
}

replaced() { # replaced UNIT PID : another process serves it
  ! systemctl show -P MainPID "$1" | grep -qxE "0|$2"
}

look() { # look PREFIX : what is true now
  edge-door doctor --json >"/results/$1-doctor.json" || true
  systemctl is-active "${units[@]}" >"/results/$1-units" || true
  edge-door people list --json >"/results/$1-people.json"
}

first_boot() {
  sha256sum </etc/passwd >/root/passwd-before
  /src/deploy/install.sh --wheels /wheels
  sed -i -e 's|^source = .*|source = "/clip/film.avi"|' -e 's|^loop = false|loop = true|' \
    -e 's|^pulse_s = .*|pulse_s = 0.6|' -e 's|^# host = .*|host = "127.0.0.1"|' "$config"
  edge-door enroll Owner --from /clip/pictures
  systemctl restart edge-door.target
  await 120 granted 0
  await 20 released # the pulse still runs when the grant is written
  cp "$trace" /results/relay.jsonl
  stat -c '%n %U:%G %a' "$config" /run/edge-door/* /var/lib/edge-door/* /var/lib/edge-door/ledger/* \
    /run/edge-door /var/lib/edge-door >/results/modes
  for secret in people.db vault.key; do
    runuser -u edge-door-link -- cat "/var/lib/edge-door/$secret" >/dev/null 2>&1 &&
      echo "$secret" >>/results/link-read
  done
  journalctl --no-pager --output=cat -u 'edge-door-*' | grep 'whether the clock is set' >/results/clock || true
  look first
  # Killed while it holds the relay: the warden drives it off, systemd starts the next guard.
  local pid
  pid=$(systemctl show -P MainPID edge-door-door)
  kill -KILL "$pid"
  await 20 replaced edge-door-door "$pid"
  echo "$pid $(systemctl show -P MainPID edge-door-door)" >/results/guards
  # Frozen: its watchers kill it.
  pid=$(systemctl show -P MainPID edge-door-sight)
  kill -STOP "$pid"
  await 60 replaced edge-door-sight "$pid"
  echo "$pid $(systemctl show -P MainPID edge-door-sight)" >/results/sights
  # Again, as an upgrade: what is there stays.
  sha256sum "$config" >/root/config-before
  /src/deploy/install.sh --wheels /wheels
  sha256sum --check --status /root/config-before && touch /results/config-kept
  await 60 running
  look upgraded
  systemctl reboot
}

second_boot() {
  local before
  before=$(last_event)
  await 120 running
  await 120 granted "$before"
  touch /results/granted-after-reboot
  look second
  edge-door events --verify --last 5 >/results/verify && touch /results/chain-whole
  /src/deploy/install.sh --uninstall --keep-data
  ls /var/lib/edge-door >/results/kept
  /src/deploy/install.sh --wheels /wheels
  await 60 running
  look third
  /src/deploy/install.sh --uninstall
  find / -xdev \( -path /proc -o -path /src -o -path /results -o -path /clip -o -path /wheels \
    -o -path /var/log/journal -o -path /tmp -o -path /var/tmp \) -prune -o -iname '*edge-door*' -print >/results/left
  sha256sum --check --status /root/passwd-before </etc/passwd || grep edge-door /etc/passwd >>/results/left
  touch /results/done
  finish
}

if [ -e /root/was-here ]; then
  second_boot
else
  touch /root/was-here
  first_boot
fi
