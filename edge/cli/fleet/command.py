"""Orders to doors from afar: signed and sent, with the door's answer; or signed to be carried."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from edge.cli.base import ConfigOption, JsonOption, app, read_config, show, waiting
from edge.cli.fleet.keys import KeyOption, read_key
from edge.cli.places import to_make, to_read
from edge.fleet import signing
from edge.link.sender import send
from edge.vocabulary import Action

if TYPE_CHECKING:
    from collections.abc import Callable

command_app = typer.Typer(help="Signed commands to doors.", no_args_is_help=True)
app.add_typer(command_app, name="command")

_HELP = {
    Action.UNLOCK: "Open the door of the configuration once, over its broker.",
    Action.LOCK: "Lock it now.",
    Action.LOCK_DOWN: "Let nobody in until `normal`; leaving stays free.",
    Action.ALWAYS_OPEN: "Keep it unlocked until `normal`.",
    Action.NORMAL: "End lock-down or always-open.",
}


def _order(action: Action) -> Callable[..., None]:
    def order(
        *,
        reason: Annotated[str, typer.Option(help="Why; it stands in the door's record.")],
        key: KeyOption,
        second: Annotated[
            Path | None,
            typer.Option(
                "--second", help="A second operator's key, where two must sign.", callback=to_read
            ),
        ] = None,
        join: Annotated[
            str | None, typer.Option(help="Be the second: the nonce that the first one was told.")
        ] = None,
        timeout: Annotated[float, typer.Option(min=1, max=60, help="Seconds to wait.")] = 10.0,
        config: ConfigOption = None,
        json: JsonOption = False,
    ) -> None:
        settings = read_config(config, required=True)
        nonce, device = join or signing.new_nonce(), settings.device.id
        signers = [read_key(file) for file in (key, second) if file]  # before a minute begins
        texts = [signing.sign_now(each, device, action, reason, nonce) for each in signers]
        with waiting() as tell:
            sent = send(settings, texts, nonce, timeout, lambda: tell(f"{device}'s answer"))
        said = sent.answer.reason if sent.answer else "the door has not answered"
        state = "done" if sent.done else "refused" if sent.answer else "sent, not answered"
        state = state if sent.sent else "not sent"
        told = {"ok": sent.done, "sent": sent.sent, "done": sent.done, "said": said}
        show(told | {"nonce": nonce}, as_json=json, text=f"{action.value}: {state}. {said}")
        if not sent.done:
            raise typer.Exit(1)

    return order


for _action, _help in _HELP.items():
    command_app.command(_action.value.replace("_", "-"), help=_help)(_order(_action))


@command_app.command("key")
def make_key(
    file: Annotated[
        Path, typer.Argument(help="Where the private key is written, mode 0600.", callback=to_make)
    ],
    *,
    json: JsonOption = False,
) -> None:
    """A key that signs commands; prints its public half, for the doors and the dashboard."""
    text = signing.make_key(file)
    show({"file": str(file), "public": text}, as_json=json, text=text)


@command_app.command("sign")
def sign(
    device: Annotated[str, typer.Argument(help="The door's id.")],
    action: Annotated[Action, typer.Argument(help="What it is to do.")],
    *,
    key: KeyOption,
    reason: Annotated[str, typer.Option(help="Why; it stands in the door's record.")],
    json: JsonOption = False,
) -> None:
    """Sign a command for a door; valid for a minute, once. Paste it on the door's page."""
    text = signing.sign_now(read_key(key), device, action, reason)
    show({"command": text}, as_json=json, text=text)
