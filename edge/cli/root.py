"""The root of the command line: it knows every command by name and imports the one that is asked.

Importing them all would take seconds of a small board's time before anything is done.
"""

from __future__ import annotations

import contextlib
import json
import sys
from importlib import import_module
from typing import Annotated, Any

import typer
from rich.console import Console
from typer.core import TyperCommand, TyperGroup
from typing_extensions import override

from edge import __version__
from edge.interrupt import end_in_order

COMMANDS: dict[str, tuple[str, ...]] = {
    "run": ("Start door, sight and link, and start again what dies or freezes.", "door.programs"),
    "door": ("The relay guard alone: the only program that touches the pins.", "door.programs"),
    "sight": ("Camera to decision alone.", "door.programs"),
    "link": ("Events to the MQTT broker alone.", "door.programs"),
    "demo": (
        "Show the main job: a stranger, a still picture, and the person who may enter.",
        "door.demo",
    ),
    "watch": ("Show live what sight sees and decides, until Ctrl-C.", "door.asking"),
    "status": ("Ask the running sight how it is; and how far its events travel.", "door.asking"),
    "events": (
        "What happened at this door; with --verify, whether the record is whole.",
        "record.events",
    ),
    "audit": ("What happened, as evidence.", "record.audit"),
    "ledger": ("The file that events are kept in.", "record.ledger"),
    "doctor": (
        "Check everything that must be right before a face can open this door.",
        "door.doctor",
    ),
    "init": (
        "Make the key and the databases of this device; what is there already stays.",
        "door.setup",
    ),
    "boot": ("What a Raspberry Pi does before the door's programs run.", "door.boot"),
    "config": ("Check the configuration file and show what is in force.", "door.setup"),
    "enroll": (
        "Make a template from several good, different captures of one face.",
        "people.enrol",
    ),
    "people": ("Who is enrolled here.", "people.people"),
    "try": ("Judge whoever stands there, and open nothing.", "people.trial"),
    "office": (
        "The people office: who should be known at which doors.",
        "office.doors",
        "office.offers",
        "office.people",
        "office.rollout",
    ),
    "claim": (
        "Tell the running door who stands there: their template alone is compared.",
        "people.people",
    ),
    "credentials": ("Cards and PINs of the people enrolled.", "people.credentials"),
    "seal": (
        "Sign configuration, models and calibration: sight believes no other then.",
        "door.seal",
    ),
    "vault": ("The device key.", "door.vault"),
    "update": ("Signed updates.", "door.update", "door.offered"),
    "keys": ("Keys that may command this door from afar.", "fleet.keys"),
    "command": ("Signed commands to doors.", "fleet.command"),
    "verify": ("Do two pictures show the same person?", "measure.compare"),
    "evaluate": ("How accurate it is.", "measure.accuracy", "measure.liveness"),
    "calibrate": (
        "Measure the threshold for each false-match rate, from every pair of two people.",
        "measure.accuracy",
    ),
    "adapt": (
        "Learn a projection from this site's own labelled captures; kept only if it helps.",
        "measure.adapt",
    ),
    "bench": (
        "How fast every stage is on this machine, next to the models in floating point.",
        "measure.compare",
    ),
    "collect": (
        "Events of all doors from the broker into a database, each once, its chain checked.",
        "fleet.wall",
    ),
    "pki": (
        "A small private authority: certificates for the broker, its doors and its collectors.",
        "fleet.pki",
    ),
    "metrics": (
        "Show this door's metrics to Prometheus, on 127.0.0.1 alone, until told to stop.",
        "door.metrics",
    ),
    "simulate": (
        "Many doors that are not there: they tell a story, ship it, and obey confirmations.",
        "fleet.simulate",
    ),
    "mqtt": ("Print every topic and payload, as a page or as JSON Schemas.", "fleet.mqtt"),
    "dashboard": ("All doors in a browser: alarms, history, people, commands.", "fleet.wall"),
    "wall": (
        "Show it all on this machine: broker, collector, dashboard, and doors with made-up people.",
        "fleet.wall",
    ),
    "operator": ("Who may use the dashboard.", "fleet.wall"),
    "models": ("The networks this installation has.", "measure.models"),
}
"""Of each command the first sentence of its help, and the files of this folder that make it."""


class Listed(TyperCommand):
    """A command whose modules are imported when it is called."""

    def __init__(self, name: str, sentence: str, *modules: str) -> None:
        super().__init__(name, help=sentence)
        self._modules = modules

    def load(self) -> Any:
        """The command itself: click's, which comes inside typer and without types."""
        for module in self._modules:
            import_module(f"edge.cli.{module}")
        root: Any = typer.main.get_command(app)
        return root.loaded[self.name]

    @override
    def make_context(self, *args: Any, **options: Any) -> Any:
        """The command's own."""
        command = self.load()
        end_in_order()
        return command.make_context(*args, **options)


class Root(TyperGroup):
    """All commands, by name."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.loaded = self.commands
        """Those whose modules are imported."""
        self.commands = {name: Listed(name, *where) for name, where in COMMANDS.items()}


app = typer.Typer(
    name="edge-door",
    cls=Root,
    help="A face opens a door: offline face verification with liveness.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

# What people typed is text: [ and : in a name are no markup.
console = Console(markup=False, emoji=False)
complaints = Console(stderr=True, markup=False, emoji=False)


@app.callback(invoke_without_command=True)
def _version(
    *,
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    if version:
        console.print(__version__)
        raise typer.Exit


def fail(sentence: str, code: int) -> int:
    """Say what went wrong, on standard error, and as JSON where `--json` was given."""
    if "--json" in sys.argv:
        told = {"ok": False, "error": sentence}
        with contextlib.suppress(OSError):  # standard output may be what failed
            console.file.write(json.dumps(told, ensure_ascii=False) + "\n")
            console.file.flush()
    text = f"edge-door: {sentence}"
    complaints.print(text, style="red", highlight=False, soft_wrap=True)
    return code
