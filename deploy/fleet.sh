#!/usr/bin/env bash
# Sets up, then shows many doors on one wall: a broker, a collector, the dashboard and five doors.
# ./deploy/fleet.sh [--json] [--doors N] [--for SECONDS]
set -euo pipefail
# shellcheck source=deploy/setup.sh
source "$(dirname "${BASH_SOURCE[0]}")/setup.sh"
on_help "$@"

need_packages mosquitto=mosquitto
use_environment fleet
exec "$environment/bin/edge-door" wall "$@"
