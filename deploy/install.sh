#!/usr/bin/env bash
# Installs edge-door as three services on Raspberry Pi OS 12/13, Debian 12/13 or JetPack 6.
#
#   sudo ./deploy/install.sh [--wheels DIR] [--no-start]
#   sudo ./deploy/install.sh --uninstall [--keep-data]
#
#   --wheels DIR     install Python packages from DIR alone, without the network
#   --no-start       set everything up, but start nothing now
#   --uninstall      remove all of it again; --keep-data keeps people, events and configuration
#
# Running it again upgrades: people, events and the configuration stay as they are.
set -euo pipefail

checkout=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
program=/opt/edge-door
link=/usr/local/bin/edge-door
config=/etc/edge-door/edge-door.toml
state=/var/lib/edge-door
units=(edge-door.target edge-door-door.service edge-door-sight.service edge-door-link.service
  edge-door-update.path edge-door-update.service)
users=(edge-door-door edge-door-sight edge-door-link)
groups=(edge-door edge-door-lock edge-door-ledger)
made_gpio=$program/made-group-gpio

say() { printf '%s\n' "$*"; }

stop() { # stop CODE SENTENCE
  printf 'install.sh: %s\n' "$2" >&2
  exit "$1"
}

wheels="" start=yes uninstall="" keep=""
read_options() {
  while [ $# -gt 0 ]; do
    case $1 in
      --wheels)
        [ -d "${2:-}" ] || stop 2 "--wheels needs a folder with Python wheels."
        wheels=$(cd "$2" && pwd)
        shift
        ;;
      --no-start) start="" ;;
      --uninstall) uninstall=yes ;;
      --keep-data) keep=yes ;;
      -h | --help)
        sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//;p}' "${BASH_SOURCE[0]}"
        exit 0
        ;;
      *) stop 2 "there is no option $1; --help lists them." ;;
    esac
    shift
  done
  [ -z "$keep" ] || [ -n "$uninstall" ] || stop 2 "--keep-data goes with --uninstall."
}

need_root() {
  [ "$(id -u)" -eq 0 ] || stop 1 "this changes the system and needs root. Run: sudo ./deploy/install.sh"
}

need_supported_system() {
  local id="" version=""
  if [ -r /etc/os-release ]; then
    # shellcheck source=/dev/null
    id=$(. /etc/os-release && printf '%s' "${ID:-}")
    # shellcheck source=/dev/null
    version=$(. /etc/os-release && printf '%s' "${VERSION_ID:-}")
  fi
  case "$id $version" in
    "debian 12" | "debian 13") ;; # 64-bit Raspberry Pi OS calls itself Debian too
    "ubuntu 22.04") [ -e /etc/nv_tegra_release ] || unsupported "$id $version" ;;
    *) unsupported "$id $version" ;;
  esac
  case $(dpkg --print-architecture) in
    amd64 | arm64) ;;
    *) stop 1 "this is a 32-bit system; edge-door needs a 64-bit one (amd64 or arm64)." ;;
  esac
  [ -d /run/systemd/system ] ||
    stop 1 "systemd does not run here. Without it, use \`edge-door run\` (see ./deploy/demo.sh)."
}

unsupported() {
  stop 1 "this is $1; it runs on Raspberry Pi OS 12/13, Debian 12/13 and JetPack 6."
}

board() { # pi5, pi, jetson or pc
  local model=""
  [ -r /proc/device-tree/model ] && model=$(tr -d '\0' </proc/device-tree/model)
  case $model in
    *"Raspberry Pi 5"* | *"Compute Module 5"*) printf pi5 ;;
    *"Raspberry Pi"*) printf pi ;;
    *) if [ -e /etc/nv_tegra_release ]; then printf jetson; else printf pc; fi ;;
  esac
}

have_packages() { # have_packages PACKAGE... : all installed?
  dpkg-query -W -f '${db:Status-Abbrev}\n' "$@" 2>/dev/null | grep -c '^ii' | grep -qx "$#"
}

check_config() { # of a door that runs: what the new version refuses is told before anything stops
  local code=0
  { [ -e "$config" ] && [ -x "$program/venv/bin/python" ]; } || return 0
  PYTHONPATH=$checkout "$program/venv/bin/python" -B -m edge config --config "$config" \
    >/dev/null || code=$?
  [ "$code" -ne 2 ] ||
    stop 2 "mend $config as said above and run this again. Nothing was changed, the door runs on."
}

install_packages() {
  local wanted=(python3 python3-venv ca-certificates)
  case $1 in
    pi5) wanted+=(python3-picamera2 python3-rpi-lgpio) ;;
    pi) wanted+=(python3-picamera2 python3-rpi.gpio) ;;
    jetson) # GStreamer's own binding: OpenCV's wheels come without GStreamer
      wanted+=(python3-gi gir1.2-gstreamer-1.0 gstreamer1.0-plugins-base gstreamer1.0-plugins-good)
      ;;
  esac
  have_packages "${wanted[@]}" && return
  say "Debian packages: ${wanted[*]}"
  apt-get update -q >/dev/null || say "apt-get update failed; going on with the lists there are"
  DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends \
    "${wanted[@]}" >/dev/null
}

make_users() {
  say "users and groups: ${users[*]}"
  install -d "$program"
  getent group gpio >/dev/null || touch "$made_gpio"
  install -D -m 0644 "$checkout/systemd/edge-door.sysusers.conf" /etc/sysusers.d/edge-door.conf
  systemd-sysusers edge-door.conf
}

install_program() {
  local from=() extras=gpiod options=() built
  case $1 in
    pi | pi5) options=(--system-site-packages) ;; # picamera2 and the pin library are Debian's
    jetson) options=(--system-site-packages) extras=gpiod,jetson ;; # and so is GStreamer's binding
  esac
  [ -z "$wheels" ] || from=(--no-index --find-links "$wheels")
  say "program: $program ($("python3" -V 2>&1))"
  # Another Python, after an upgrade of the system, needs another environment.
  "$program/venv/bin/python" -c "import sys; sys.exit(sys.version_info[:2] != $(python3 -c \
    'import sys; print(tuple(sys.version_info[:2]))'))" 2>/dev/null ||
    python3 -m venv --clear "${options[@]}" "$program/venv"
  built=$(mktemp -d)
  local pip=("$program/venv/bin/python" -m pip --quiet --disable-pip-version-check
    --no-cache-dir)
  "${pip[@]}" wheel "${from[@]}" --no-deps --wheel-dir "$built" "$checkout"
  local wheel=("$built"/edge_door-*.whl)
  # What was tested, to the byte; the extras of a Jetson are not in the lock.
  "${pip[@]}" install "${from[@]}" --require-hashes -r "$checkout/deploy/requirements.lock"
  "${pip[@]}" install "${from[@]}" "${wheel[0]}[$extras]"
  # The same version number may be another program: always the one from this checkout.
  "${pip[@]}" install --no-index --no-deps --force-reinstall "${wheel[0]}"
  rm -r "$built"
  # Programs start from the update in force, where there is one (`edge-door update`).
  install -m 0644 "$checkout/deploy/edge-door-release.pth" "$("$program/venv/bin/python" -c \
    'import sysconfig; print(sysconfig.get_path("purelib"))')"
  [ ! -d "$program/release/program" ] ||
    say "the update in force brings its own program: \`edge-door update undo\` gives this one"
  ln -sfn "$program/venv/bin/edge-door" "$link"
}

write_config() {
  install -d -m 0750 -g edge-door /etc/edge-door
  if [ -e "$config" ]; then
    say "configuration: $config stays as it is"
    return
  fi
  say "configuration: $config"
  local backend=fake camera=/dev/video0
  case $1 in
    pi | pi5) backend=rpi camera=picamera2 ;;
    jetson) backend=jetson camera=csi ;;
  esac
  sed -e 's|^# peer_user = .*|peer_user = "edge-door-sight"|' \
    -e "s|^backend = \"fake\"|backend = \"$backend\"|" \
    -e "s|^source = \"/dev/video0\"|source = \"$camera\"|" \
    "$checkout/deploy/edge-door.example.toml" >"$config.new"
  grep -q '^peer_user = "edge-door-sight"' "$config.new" ||
    stop 1 "deploy/edge-door.example.toml has no line for peer_user; is this checkout whole?"
  chgrp edge-door "$config.new"
  chmod 0640 "$config.new"
  mv "$config.new" "$config"
}

make_folders() {
  install -D -m 0644 "$checkout/systemd/edge-door.tmpfiles.conf" /etc/tmpfiles.d/edge-door.conf
  systemd-tmpfiles --create edge-door.conf
  "$link" init
}

set_boot_lines() {
  case $1 in pi | pi5) "$link" boot apply ;; esac
}

set_udev_rules() {
  install -D -m 0644 "$checkout/deploy/udev/60-edge-door.rules" \
    /etc/udev/rules.d/60-edge-door.rules
  reload_udev
}

reload_udev() {
  command -v udevadm >/dev/null || return 0
  udevadm control --reload 2>/dev/null || return 0 # a container has none running
  udevadm trigger --subsystem-match=gpio --subsystem-match=watchdog --subsystem-match=dma_heap
}

install_units() {
  local unit dropins=/etc/systemd/system/edge-door-sight.service.d
  for unit in "${units[@]}"; do
    install -m 0644 "$checkout/systemd/$unit" "/etc/systemd/system/$unit"
  done
  case $1 in # its camera is not to be had from where sight stands elsewhere
    jetson) install -D -m 0644 "$checkout/systemd/edge-door-sight-jetson.conf" "$dropins/jetson.conf" ;;
  esac
  systemctl daemon-reload
  systemctl enable --quiet edge-door.target edge-door-update.path
}

stop_services() {
  systemctl stop "${units[@]}" 2>/dev/null || true
}

install_all() {
  local kind
  kind=$(board)
  check_config
  install_packages "$kind"
  stop_services
  make_users
  install_program "$kind"
  write_config "$kind"
  make_folders
  set_udev_rules
  set_boot_lines "$kind"
  install_units "$kind"
  if [ -n "$start" ]; then
    say "starting"
    systemctl reset-failed "${units[@]}" 2>/dev/null || true
    systemctl start edge-door.target
    sleep 5
  fi
  if "$link" doctor; then
    say "edge-door is installed. Next: sudo edge-door enroll NAME --camera"
  else
    say "edge-door is installed; what doctor says above is still to do, and then: sudo systemctl restart edge-door.target"
  fi
}

uninstall_all() {
  local unit name
  stop_services
  systemctl disable --quiet edge-door.target edge-door-update.path 2>/dev/null || true
  for unit in "${units[@]}"; do
    rm -rf "/etc/systemd/system/$unit" "/etc/systemd/system/$unit.d"
  done
  systemctl daemon-reload
  rm -f /etc/sysusers.d/edge-door.conf /etc/tmpfiles.d/edge-door.conf
  rm -f /etc/udev/rules.d/60-edge-door.rules
  reload_udev
  if [ -e /boot/firmware/config.txt ] || [ -e /boot/config.txt ]; then
    "$link" boot remove || say "take the lines from '# begin edge-door' to '# end edge-door' out of config.txt"
  fi
  rm -rf /run/edge-door "$link"
  if [ -n "$keep" ]; then
    rm -rf "$program/venv"
    rmdir "$program" 2>/dev/null || true
    say "edge-door is removed. $state, /etc/edge-door and their users stay."
    return
  fi
  rm -rf "$state" /etc/edge-door
  for name in "${users[@]}"; do
    if getent passwd "$name" >/dev/null; then userdel "$name"; fi
  done
  for name in "${groups[@]}"; do
    if getent group "$name" >/dev/null; then groupdel "$name"; fi
  done
  if [ -e "$made_gpio" ]; then groupdel gpio || true; fi
  rm -rf "$program"
  say "edge-door is removed, with its people and events. Debian packages stay."
}

read_options "$@"
need_root
umask 022
if [ -n "$uninstall" ]; then
  uninstall_all
else
  need_supported_system
  trap 'say "install.sh stopped at line $LINENO; mend what it says above and run it again." >&2' ERR
  set -E
  install_all
fi
