#!/usr/bin/env bash
# Prints the software bill of materials: ./deploy/sbom.sh >edge-door.cdx.json
set -euo pipefail
# shellcheck source=deploy/setup.sh
source "$(dirname "${BASH_SOURCE[0]}")/setup.sh"
on_help "$@"

use_environment dev
cd "$root_folder"
exec "$environment/bin/python" deploy/sbom.py
