#!/usr/bin/env bash
# What the pages of a building say in words: three doors, the broker's files, the office's.
# The doors are `edge-door run` on this one machine, each with files of its own.
set -euo pipefail

issued=edge-door-pki/issued
places=/etc/edge-door/doors

broker() {
  install -d /etc/mosquitto/edge-door
  cp edge-door-pki/ca.crt edge-door-pki/crl.pem "$issued/broker.main.crt" deploy/broker/acl \
    /etc/mosquitto/edge-door/
  install -m 0640 -g mosquitto "$issued/broker.main.key" /etc/mosquitto/edge-door/
  cp deploy/broker/mosquitto.conf /etc/mosquitto/conf.d/edge-door.conf
  systemctl restart mosquitto
}

wall() {
  local to=/etc/edge-door-fleet
  sed -i "s|^EDGE_DOOR_BROKER=.*|EDGE_DOOR_BROKER=mqtts://wall.example.org:8883|" "$to/fleet.env"
  install -m 0640 -g edge-door-fleet edge-door-pki/ca.crt "$to/ca.crt"
  install -m 0640 -g edge-door-fleet "$issued/collector.main.crt" "$to/collector.crt"
  install -m 0640 -g edge-door-fleet "$issued/collector.main.key" "$to/collector.key"
  install -m 0640 -g edge-door-fleet "$issued/broker.main.crt" "$to/dashboard.crt"
  install -m 0640 -g edge-door-fleet "$issued/broker.main.key" "$to/dashboard.key"
}

mqtt() { # mqtt FOLDER CERTIFICATE: what stands in [mqtt] of who has this certificate
  cp edge-door-pki/ca.crt "$issued/$2.crt" "$issued/$2.key" "$1"
  printf '[mqtt]\nhost = "wall.example.org"\nport = 8883\ntls = true\nca_file = "%s/ca.crt"\n' "$1"
  printf 'cert_file = "%s/%s.crt"\nkey_file = "%s/%s.key"\n' "$1" "$2" "$1" "$2"
}

doors() {
  local door
  for door in door1 door2 door3; do
    install -d "$places/$door"
    {
      printf '[device]\nid = "%s"\n[paths]\nstate = "/var/lib/%s"\nrun = "/run/%s"\n' "$door" "$door" "$door"
      printf '[camera]\nsource = "/hour/%s.avi"\nloop = true\n' "$door"
      printf '[match]\nclaim = "anyone"\n[door]\nbackend = "fake"\n'
      mqtt "$places/$door" "$door"
    } >"$places/$door.toml"
    edge-door init --config "$places/$door.toml"
    systemd-run --quiet --unit="$door" edge-door run --config "$places/$door.toml"
  done
}

office() { # the people office's own [mqtt]
  local config=/etc/edge-door/edge-door.toml
  sed -i '/^\[mqtt\]/,/^\[/{/^\[mqtt\]/d;/^[a-z#]/d}' "$config"
  mqtt /etc/edge-door office.main >>"$config"
  chgrp edge-door /etc/edge-door/office.main.key
  chmod 0640 /etc/edge-door/office.main.key
}

people() { # what `office init` printed, in the configuration of every door
  local door
  for door in door1 door2 door3; do
    edge-door office init | sed -n '/^\[people\]/,$p' >>"$places/$door.toml"
    systemctl restart "$door"
  done
}

"$@"
