# Sourced by demo.sh and test.sh: the project's own virtual environment, with what is missing.
# shellcheck shell=bash

root_folder=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
environment=${EDGE_DOOR_VENV:-$root_folder/.venv}
unset PYTHONDONTWRITEBYTECODE # images of containers set it, and every start would compile anew

say() { printf '%s\n' "$*" >&2; }

# on_help ARGUMENTS : for who asks first, what stands at the head of the script; nothing is set up.
on_help() {
  case "${1:-}" in
    -h | --help) sed -n '2,/^set/s/^# //p' "$0"; exit ;;
  esac
}

# in_one_line: what a long command says, in place on a terminal, else as it comes: never minutes of silence.
in_one_line() {
  local line
  [ -t 2 ] || { cat >&2; return; }
  while IFS= read -r line; do printf '\r\033[K  %.72s' "$line" >&2; done
  printf '\r\033[K' >&2
}

# need_packages COMMAND=PACKAGE... : install the Debian packages whose command is missing, or say how.
need_packages() {
  local pair missing=()
  for pair in "$@"; do
    command -v "${pair%%=*}" >/dev/null 2>&1 || missing+=("${pair#*=}")
  done
  install_packages "${missing[@]}"
}

install_packages() {
  [ $# -gt 0 ] || return 0
  if [ "$(id -u)" -ne 0 ]; then
    say "edge-door needs Debian packages that are not installed. Run this, then start again:"
    say "  sudo apt-get update && sudo apt-get install -y $*"
    exit 1
  fi
  say "installing Debian packages: $*"
  apt-get update -q >/dev/null || say "apt-get update failed; trying with the lists there are"
  DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "$@" >/dev/null
}

# find_python: the interpreter to build with; 3.11 is the one with both inference runtimes.
find_python() {
  local name
  for name in ${EDGE_DOOR_PYTHON:-} python3.11 python3.13 python3.12 python3.10 python3; do
    if command -v "$name" >/dev/null 2>&1 &&
      "$name" -c 'import sys; sys.exit(not sys.version_info >= (3, 10))' 2>/dev/null; then
      command -v "$name"
      return
    fi
  done
  return 1
}

# use_environment EXTRA : make the environment, install this checkout with an extra; seconds if done.
use_environment() {
  local extra=$1 python options=() stamp wanted
  if ! python=$(find_python) || ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
    install_packages python3 python3-venv
    python=$(find_python) || { say "Python 3.10 or newer is needed."; exit 1; }
  fi
  # On a Pi, picamera2 and libcamera come from the system's packages.
  if "$python" -c 'import picamera2' 2>/dev/null; then options=(--system-site-packages); fi
  stamp=$environment/.edge-door-$extra
  wanted=$("$python" -V 2>&1; sha256sum "$root_folder/pyproject.toml" | cut -d' ' -f1)
  if [ -x "$environment/bin/edge-door" ] && [ "$(cat "$stamp" 2>/dev/null)" = "$wanted" ]; then
    return
  fi
  say "setting up $environment (first time: a few minutes)"
  [ -x "$environment/bin/python" ] || "$python" -m venv "${options[@]}" "$environment"
  "$environment/bin/python" -m pip install --disable-pip-version-check --no-compile \
    -e "${root_folder}[$extra]" | in_one_line
  # On all cores, where pip would use one. Some packages bring files that are not meant to compile.
  "$environment/bin/python" -m compileall -qq -j 0 "$environment/lib" || true
  printf '%s' "$wanted" >"$stamp"
}
