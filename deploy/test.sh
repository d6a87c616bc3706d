#!/usr/bin/env bash
# Sets up, then runs lint, types, layer contracts and all tests.
# ./deploy/test.sh [--emulated | --slow | --fast] [more for pytest]
#   --emulated  only the tests that boot kernels in QEMU
#   --slow      the long sweeps as well
#   --fast      tests only: for trying other Pythons with EDGE_DOOR_PYTHON and EDGE_DOOR_VENV
set -euo pipefail
# shellcheck source=deploy/setup.sh
source "$(dirname "${BASH_SOURCE[0]}")/setup.sh"

marks="not slow and not emulated"
static=yes
extra="dev"
case "${1:-}" in
  --emulated) marks="emulated"; static=no; shift ;;
  --slow) marks="not emulated"; shift ;;
  --fast) static=no; extra="test"; shift ;;
esac

need_packages git=git mosquitto=mosquitto shellcheck=shellcheck systemd-analyze=systemd \
  ffmpeg=ffmpeg
use_environment "$extra"
cd "$root_folder"
bin=$environment/bin

if [ "$static" = yes ]; then
  "$bin/ruff" check .
  "$bin/ruff" format --check .
  "$bin/mypy"
  "$bin/lint-imports"
  shellcheck deploy/*.sh .ci/run
fi
exec "$bin/python" -m pytest -m "$marks" "$@"
