"""The operator of a building: from nothing to three doors on a wall, people, an erasure.

One machine plays all: the broker, the wall, the office, and three doors that `doors.sh` runs.
"""

from __future__ import annotations

from tests.first_hours.hour import Hour
from tests.first_hours.steps import Step

SERVICE = "it runs as a service here, with more on its command line"
DATABASE = "/var/lib/edge-door-fleet/fleet.db"
DOORS = f"sqlite3 {DATABASE} 'select id, available from devices order by id'"
GRANTED = f"sqlite3 {DATABASE} \"select device, person from events where reason = 'granted'\""
AT_DOOR = "--config /etc/edge-door/doors/door1.toml"

BUILDING = Hour(
    "a-building",
    "root",
    (
        "deploy/fleet/README.md#One host",
        "deploy/broker/README.md#One broker",
        "deploy/broker/README.md#What protects what",
        "deploy/guide/fleet.md",
        "README.md#Many doors",
        "deploy/guide/people.md",
    ),
    packages=("sqlite3",),
    again=frozenset({"edge-door office publish"}),
    but=(
        Step(
            "edge-door pki init --host wall.example.org",
            first=("./deploy/install.sh --no-start",),
        ),
        Step("apt-get install mosquitto", first=("apt-get update",), answer="y"),
        Step("apt-get install python3-venv", first=("/hour/doors.sh broker",), answer="y"),
        Step("systemctl daemon-reload", first=("/hour/doors.sh wall",)),
        Step(
            "systemctl restart edge-door-link",
            first=("/hour/doors.sh doors",),
            instead="systemctl restart door1 door2 door3",
            look=DOORS,
            shows=r"door1\|online\ndoor2\|online\ndoor3\|online",
        ),
        Step("edge-door pki init --host broker.example.org", expected=(2,)),  # there is one
        Step("edge-door pki device door1", expected=(2,)),  # it has a certificate
        Step("edge-door pki renew door1"),
        Step("edge-door pki revoke", expected=(2,)),  # of what is not said
        Step("edge-door dashboard --oidc FILE", skipped="it needs an OpenID provider"),
        Step("edge-door collect --keep-days 400", skipped=SERVICE),
        Step("edge-door collect --metrics-port 9109", skipped=SERVICE),
        Step("edge-door collect", skipped=SERVICE),
        Step("edge-door dashboard", skipped=SERVICE),
        Step(
            'sqlite3 fleet.db ".backup copy.db"',
            instead=f'sqlite3 {DATABASE} ".backup copy.db"',
        ),
        Step("./deploy/fleet.sh", until="password"),
        Step("sudo edge-door office init", first=("/hour/doors.sh office",)),
        Step(
            "edge-door people key",
            first=("/hour/doors.sh people",),
            instead=f"edge-door people key {AT_DOOR}",
        ),
        Step(
            'edge-door office trust door1 --group staff --group visitors --fingerprint "1a2b ..."',
            instead="edge-door office trust door1 --group staff --group visitors "
            f'--fingerprint "$(edge-door people key {AT_DOOR})"',
        ),
        Step("edge-door office publish --again", look=GRANTED, shows=r"door1\|Bo"),
        Step("edge-door office erased Guest", shows=r"│ door1 │ 20\d\d-"),  # the receipt
        Step(
            "edge-door enroll Bo --camera --for-group staff",
            instead=f"edge-door enroll Bo --camera --for-group staff {AT_DOOR}",
        ),
        Step(
            "edge-door enroll --from photos/new --for-group staff",
            skipped="all whose pictures are here are enrolled: tests/whole/test_office.py has more",
        ),
        # Anna has been removed by then.
        Step('edge-door office lookalike Anna Ella --reason "twins"', expected=(2,)),
        Step("edge-door people accept-backup", instead=f"edge-door people accept-backup {AT_DOOR}"),
        Step(
            "edge-door people accept-backup --without-office",
            instead=f"edge-door people accept-backup --without-office {AT_DOOR}",
        ),
        Step("edge-door office init"),
    ),
)
