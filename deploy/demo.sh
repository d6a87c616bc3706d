#!/usr/bin/env bash
# Sets up, then shows the main job: a stranger, a still picture, and the person who may enter.
# ./deploy/demo.sh [--camera /dev/video0] [--picture FILE.png] [--json]
set -euo pipefail
# shellcheck source=deploy/setup.sh
source "$(dirname "${BASH_SOURCE[0]}")/setup.sh"
on_help "$@"

say "edge-door: the demonstration"
use_environment demo
exec "$environment/bin/edge-door" demo "$@"
