#!/bin/bash
# Runs inside a booted Debian: installs edge-door from /src, begins a people office beside it, and lets
# roll-outs of a configuration, of models, of a program, and of what this door must refuse go through
# the broker and the real units. What it finds goes to /results, a file a fact.
# shellcheck source=tests/emulated/inside.sh
source /src/tests/emulated/inside.sh

cd /root || exit

restarted() { # restarted PID : sight runs as another process than this
  running && ! systemctl show -P MainPID edge-door-sight | grep -qxE "0|$1"
}

bundle() { # bundle VERSION OPTIONS... : VERSION.bundle, signed by the owner
  edge-door update make "$1.bundle" --key owner.key --version "$@"
}

roll_out() { # roll_out VERSION : as an operator does; what came of it, and what then is in force
  local sight
  sight=$(systemctl show -P MainPID edge-door-sight)
  edge-door office rollout "$1.bundle" --door door1 --minutes 8 --config office.toml --json >"/results/$1.json" || true
  if jq -e .ok "/results/$1.json"; then
    await 120 restarted "$sight"
  fi
  edge-door update check --json >"/results/$1-in-force.json"
  edge-door --version >"/results/$1-program"
  systemctl is-active "${units[@]}" >"/results/$1-units" || true
}

[ ! -e was-here ] || finish # it has failed before
touch was-here
/src/deploy/install.sh --wheels /wheels
sed -i -e 's|^source = .*|source = "/dev/video0"|' \
  -e 's|^# host = .*|host = "127.0.0.1"|' -e 's|^updates = .*|updates = true|' "$config"
public=$(edge-door command key owner.key --json | jq -r .public)
cp "$config" front.toml
models=$(find /opt/edge-door/venv -type d -path '*/edge/_models')
bundle 1 --door front.toml --models "$models"
edge-door update apply 1.bundle --trust "$public"
systemctl restart edge-door.target
await 60 running

printf '[device]\nid = "office"\n[paths]\nstate = "/root/office"\nrun = "/root/office"\n[mqtt]\nhost = "127.0.0.1"\n' >office.toml
edge-door office init --config office.toml

sed -i -e 's|^name = .*|name = "Renamed by a roll-out"|' front.toml
# With the models: what a bundle does not bring is what was installed, which no owner has sealed.
bundle 2 --door front.toml --models "$models"
roll_out 2
grep -c "Renamed by a roll-out" "$config" >/results/renamed || true

bundle 3 --door front.toml --models "$models"
roll_out 3

cp --recursive /src program
sed -i -e 's|^__version__ = .*|__version__ = "99.0"|' program/edge/__init__.py
python3 -m venv build
build/bin/pip --quiet install --no-index --find-links /wheels hatchling
build/bin/pip --quiet wheel --no-deps --no-build-isolation --wheel-dir wheel ./program
bundle 4 --door front.toml --models "$models" --program wheel/*.whl
roll_out 4

# Another door's configuration alone, and a program that ends as it begins.
sed -e 's|^id = .*|id = "back"|' front.toml >back.toml
bundle 5 --door back.toml
roll_out 5
echo 'raise SystemExit("broken")' >>program/edge/__init__.py
build/bin/pip --quiet wheel --no-deps --no-build-isolation --wheel-dir broken ./program
bundle 6 --door front.toml --models "$models" --program broken/*.whl
roll_out 6
edge-door events --last 200 --json >/results/events.json
touch /results/done
finish
