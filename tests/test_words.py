"""Events in words: a command is what it asked for."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest
from jinja2 import Environment, PackageLoader

from edge.fleet.web.filters import FILTERS
from edge.link.topics import ACCESS_TYPES, event_type
from edge.records import Event, EventKind, Reason
from edge.vocabulary import Action
from edge.words import sentence

SAID = {
    Action.UNLOCK: "command to open",
    Action.LOCK: "command to lock",
    Action.NORMAL: "command to go back to normal",
    Action.ALWAYS_OPEN: "command to stay open",
    Action.LOCK_DOWN: "command to let nobody in",
}


def event(reason: Reason, action: str, kind: EventKind = EventKind.SYSTEM) -> Event:
    return Event(kind, reason, 1.0, 1.0, True, "door1", detail={"action": action})


def on_the_dashboard(shown: Event) -> str:
    """The row as the dashboard's pages have it."""
    pages = Environment(loader=PackageLoader("edge.fleet.web"), autoescape=True)
    pages.filters.update(FILTERS)
    row = SimpleNamespace(
        type="system",
        device="door1",
        name="Door 1",
        at=1.0,
        received=1.0,
        trusted=True,
        reason=shown.reason.value,
        person=None,
        body=json.dumps({"detail": dict(shown.detail)}),
    )
    return pages.get_template("event.html").render(event=row)


@pytest.mark.parametrize("action", list(Action))
def test_a_command_is_what_it_asked_for(action: Action) -> None:
    """A lock that was commanded is no opening."""
    done, waits = event(Reason.COMMAND, action.value), event(Reason.COMMAND_WAITS, action.value)
    assert sentence(done) == SAID[action]
    assert f">{SAID[action]}<" in on_the_dashboard(done)
    assert sentence(waits) == f"{SAID[action]} waits for a second operator"
    assert f">{SAID[action]} waits for a second operator<" in on_the_dashboard(waits)
    assert event_type(done) not in ACCESS_TYPES  # nor is it for Home Assistant, which asks that


def test_an_opening_by_command_is_one() -> None:
    opened = Event(EventKind.ACCESS, Reason.COMMAND, 1.0, 1.0, True, "door1")
    assert sentence(opened) == "opened by command"
    assert event_type(opened) == "granted"


def test_an_action_that_a_newer_door_knows_is_no_opening_either() -> None:
    assert sentence(event(Reason.COMMAND, "ring")) == "command"
    assert ">command<" in on_the_dashboard(event(Reason.COMMAND, "ring"))


def test_an_action_of_another_kind_of_event_is_no_command() -> None:
    assert sentence(event(Reason.STARTED, "lock")) == "started"
