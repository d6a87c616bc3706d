#!/usr/bin/env bash
# Sets up, then runs lint, types, layer contracts and all tests.
set -euo pipefail

usage() {
  cat <<'END'
./deploy/test.sh [--static | --fast | --slow | --faults | --cost | --arm | --cluster |
                  --emulated | --first-hours | --coverage] [more for pytest]

  (nothing)    set up, then lint, types, layer contracts and every test
  --static     lint, types and layer contracts alone: what a commit must pass
  --fast       tests alone: for trying other Pythons with EDGE_DOOR_PYTHON and EDGE_DOOR_VENV
  --slow       everything, and the long sweeps as well
  --faults     every injected fault and every hostile byte; writes faults.json and a table
  --cost       only the memory of a door at work and the instructions of a frame, against
               tests/cost/baseline.json
  --arm        only aarch64: its wheels in an arm64 Debian, emulated and not timed; as root
  --cluster    only three RabbitMQ 4 nodes of Debian 13 that are killed under load; as root
  --first-hours  only what newcomers type: every command of the guide in a fresh Debian; as root,
               with a network; transcripts go to $EDGE_DOOR_TRANSCRIPTS
  --emulated   only the tests that boot kernels and a Debian of their own (QEMU, User Mode Linux)
  --coverage   tests with branch coverage over every process, held against the floor in pyproject.toml
END
}

rest="not emulated and not cost and not arm and not cluster and not first_hours"
marks="not slow and $rest"
static=yes
tests=yes
beside=
coverage=no
extra="dev"
emulated=no
faults=no
arm=no
cluster=no
cost=no
hours=no
case "${1:-}" in
  -h | --help) usage; exit ;;
  --static) tests=no; shift ;;
  --fast) static=no; extra="test"; shift ;;
  --slow) marks=$rest; shift ;;
  --faults) static=no; faults=yes; shift ;;
  --emulated) marks="emulated"; static=no; emulated=yes; shift ;;
  --first-hours) marks="first_hours"; static=no; extra="test"; hours=yes; shift ;;
  --arm) marks="arm"; static=no; extra="test"; arm=yes; shift ;;
  --cluster) marks="cluster"; static=no; extra="test"; cluster=yes; shift ;;
  --cost) marks="cost"; static=no; extra="test"; cost=yes; shift ;;
  --coverage) static=no; coverage=yes; shift ;;
esac

# shellcheck source=deploy/setup.sh
source "$(dirname "${BASH_SOURCE[0]}")/setup.sh"

need_packages git=git shellcheck=shellcheck
if [ "$tests" = yes ]; then
  need_packages mosquitto=mosquitto systemd-analyze=systemd ffmpeg=ffmpeg chromium=chromium \
    pg_createcluster=postgresql
fi
if [ "$cost" = yes ]; then
  need_packages valgrind=valgrind
fi
if [ "$arm" = yes ]; then
  need_packages qemu-aarch64-static=qemu-user-static qemu-aarch64=qemu-user gcc=gcc unshare=util-linux
  export EDGE_DOOR_TEST_REQUIRED=1
fi
if [ "$cluster" = yes ]; then
  need_packages debootstrap=debootstrap ip=iproute2
  export EDGE_DOOR_TEST_REQUIRED=1
fi
if [ "$hours" = yes ]; then
  need_packages debootstrap=debootstrap systemd-nspawn=systemd-container
  export EDGE_DOOR_TEST_REQUIRED=1
fi
if [ "$emulated" = yes ]; then
  need_packages qemu-system-x86_64=qemu-system-x86 qemu-system-aarch64=qemu-system-arm cpio=cpio \
    modprobe=kmod make=build-essential gcc=build-essential xz=xz-utils debootstrap=debootstrap \
    systemd-nspawn=systemd-container dmsetup=dmsetup mkfs.ext4=e2fsprogs
  export EDGE_DOOR_TEST_REQUIRED=1 # what was asked for must not be skipped
fi
if [ "$faults" = yes ]; then
  need_packages gcc=gcc
  export EDGE_DOOR_TEST_REQUIRED=1
fi
use_environment "$extra"
cd "$root_folder"
bin=$environment/bin

types_and_layers() {
  "$bin/mypy" && "$bin/lint-imports"
}

if [ "$static" = yes ]; then
  "$bin/ruff" check .
  "$bin/ruff" format --check .
  shellcheck deploy/*.sh .ci/run
  if [ "$tests" = no ]; then
    types_and_layers
    exit
  fi
  # Beside the tests, which wait for programs a third of the time. What they say comes at the end.
  said=$(mktemp)
  types_and_layers >"$said" 2>&1 &
  beside=$!
fi
if [ "$faults" = yes ]; then
  [ $# -gt 0 ] || rm -f faults.json # a part of them is added to what is there
  export EDGE_DOOR_FAULTS=$root_folder/faults.json
  failed=0
  "$bin/python" -m pytest tests/faults tests/ledger tests/link/test_rights.py -m "not emulated" "$@" ||
    failed=$?
  "$bin/python" -m tests.faults.table "$EDGE_DOOR_FAULTS"
  exit "$failed"
fi
if [ "$coverage" = yes ]; then
  COVERAGE_FILE=$(mktemp -d)/data
  export COVERAGE_FILE
  chmod 1777 "${COVERAGE_FILE%/*}" # some programs under test are other users'
  failed=0
  "$bin/python" -m coverage run -m pytest -n auto --dist worksteal -m "$marks" "$@" || failed=$?
  "$bin/python" -m coverage combine -q
  "$bin/python" -m coverage report --skip-covered || failed=$?
  rm -r "${COVERAGE_FILE%/*}"
  exit "$failed"
fi
# Side by side, a few more than there are cores: tests wait for programs, brokers and browsers.
# What weighs a door or boots a machine has the machine for itself.
workers=$(($(nproc) + 2))
dist=worksteal
case "$marks" in
  cost | emulated | cluster) workers=0 ;;
  arm) workers=2 dist=loadfile ;; # the demo, which waits for a slow clock, and all else
esac
failed=0
"$bin/python" -m pytest -n "$workers" --dist "$dist" -m "$marks" "$@" || failed=$?
if [ -n "$beside" ]; then
  wait "$beside" || failed=1
  cat "$said"
  rm "$said"
fi
exit "$failed"
