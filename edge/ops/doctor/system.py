"""Checks of what runs: users, units, sockets, broker, clock."""

from __future__ import annotations

import grp
import os
import pwd
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from edge.clock import wall_trusted
from edge.errors import BrokerError, WireError
from edge.link.former import names_before
from edge.link.knock import knock
from edge.ops.doctor.check import Check, fail, ok, warn
from edge.ops.owner import GUARD, LINK, SIGHT, acting_as, acting_as_owner
from edge.wire.channel import Channel
from edge.wire.messages import AskStatus, Status

if TYPE_CHECKING:
    from edge.config import Config

TARGET = Path("/etc/systemd/system/edge-door.target")
_GROUPS = {
    GUARD: ("edge-door", "edge-door-lock", "gpio"),
    SIGHT: ("edge-door", "edge-door-lock", "edge-door-ledger", "video"),
    LINK: ("edge-door", "edge-door-ledger"),
}
_START = "Run: sudo systemctl start edge-door.target"
_INSTALL = "Run: sudo ./deploy/install.sh"
_TIMEOUT_S = 3.0


def groups(_config: Config) -> Check | None:
    """Each program's user reaches its hardware and the sockets, where edge-door is installed."""
    if not TARGET.exists():
        return None
    lacking = []
    for user, wanted in _GROUPS.items():
        try:
            primary = grp.getgrgid(pwd.getpwnam(user).pw_gid).gr_name
        except KeyError:
            return fail("groups", f"there is no user {user}", _INSTALL)
        member = {group.gr_name for group in grp.getgrall() if user in group.gr_mem}
        lacking += [f"{user} is not in {name}" for name in wanted if name not in member | {primary}]
    if lacking:
        return fail("groups", "; ".join(lacking), _INSTALL)
    return ok("groups", "every program's user is in its groups")


def units(config: Config) -> Check | None:
    """They run now and start at boot, where edge-door is installed."""
    if not TARGET.exists() or shutil.which("systemctl") is None:
        return None
    wanted = [GUARD, SIGHT]
    if config.mqtt.host is not None:
        wanted.append(LINK)
    down = [name for name in wanted if not _systemctl("is-active", f"{name}.service")]
    if down:
        remedy = f"Read `journalctl -u {down[0]}`, then: sudo systemctl restart edge-door.target"
        return fail("units", f"not running: {', '.join(down)}", remedy)
    if not _systemctl("is-enabled", TARGET.name):
        remedy = f"Run: sudo systemctl enable {TARGET.name}"
        return warn("units", "they run, but do not start at boot", remedy)
    return ok("units", f"{', '.join(wanted)} run and start at boot")


def _systemctl(question: str, unit: str) -> bool:
    command = ["systemctl", question, "--quiet", unit]
    return subprocess.run(command, check=False).returncode == 0


def sight(config: Config) -> Check:
    """It answers on its socket."""
    answer = ask_sight(config)
    if answer is None:
        return _not_running("sight", "sight does not answer")
    return ok("sight", f"answers at {config.sight_socket}")


def door(config: Config) -> Check:
    """The relay guard answers sight, or us while sight is down."""
    answer = ask_sight(config)
    if answer is not None:
        if answer.door:
            return ok("door", "the relay guard answers sight")
        remedy = "Look at the guard's log, and at [door] peer_user."
        return fail("door", "sight gets no answer from the relay guard", remedy)
    try:
        Channel.connect(config.door_socket, timeout_s=_TIMEOUT_S).close()
    except WireError as error:
        return _not_running("door", str(error))
    return ok("door", f"the relay guard answers at {config.door_socket}")


def _not_running(name: str, sentence: str) -> Check:
    if TARGET.exists():
        return fail(name, sentence, _START)
    return warn(name, sentence, "Start it with `edge-door run`.")


def ask_sight(config: Config) -> Status | None:
    """Sight's answer to `status`; None while it is down."""
    try:
        with Channel.connect(config.sight_socket, timeout_s=_TIMEOUT_S) as channel:
            answer = channel.ask(AskStatus(), _TIMEOUT_S)
            return answer if isinstance(answer, Status) else None
    except WireError:
        return None


def broker(config: Config) -> Check:
    """It lets us in: a real connection, with TLS and login, as link makes it and as link's user."""
    if config.mqtt.host is None:
        return ok("broker", "MQTT is off: [mqtt] host is not set")
    try:
        with acting_as(LINK):
            return ok("broker", knock(config))
    except BrokerError as error:
        if isinstance(error.__cause__, PermissionError) and os.geteuid() != 0:
            raise error.__cause__ from error
        return fail("broker", str(error), "Mend that; events wait in the ledger until then.")


def left_behind(config: Config) -> Check | None:
    """What this door left on the broker under another name is gone."""
    if config.mqtt.host is None or not config.names.exists():
        return None
    with acting_as_owner(config.names.parent):
        before = names_before(config)
    if not before:
        return None
    places = ", ".join(dict.fromkeys(name.place.at("") for name in before))
    remedy = (
        "Link clears it when it connects and may read and write there. Where the broker's access "
        "list forbids that, clear each retained topic there (`mosquitto_pub -r -n -t TOPIC`), then "
        f"remove {config.names}."
    )
    return warn("left behind", f"the broker may still show this door under {places}", remedy)


def clock(_config: Config) -> Check:
    """Synchronised: schedules and the times of events depend on it."""
    if wall_trusted():
        return ok("clock", "synchronised")
    remedy = "Install systemd-timesyncd or chrony, or fit a clock module (RTC)."
    sentence = "not synchronised: events are marked so, and nobody with a schedule gets in"
    return warn("clock", sentence, remedy)
