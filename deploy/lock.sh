#!/usr/bin/env bash
# Writes deploy/requirements.lock: what install.sh installs, with hashes.
# ./deploy/lock.sh [--upgrade]: without it, versions stay where pyproject.toml still allows them.
set -euo pipefail
# shellcheck source=deploy/setup.sh
source "$(dirname "${BASH_SOURCE[0]}")/setup.sh"
on_help "$@"

use_environment dev
cd "$root_folder"
"$environment/bin/uv" pip compile pyproject.toml --quiet --extra gpiod --universal --generate-hashes \
  --python-version 3.10 --custom-compile-command ./deploy/lock.sh "$@" -o deploy/requirements.lock
