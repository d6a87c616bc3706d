"""Orders to a door from afar: signed, sent, and the door's answer."""

from __future__ import annotations

import secrets
import time
from pathlib import Path
from typing import Annotated

import typer

from edge.access.command import MAX_REASON, sign_command
from edge.cli.base import ConfigOption, JsonOption, app, read_config, show
from edge.cli.keys import read_key
from edge.errors import UsageError
from edge.link.sender import send
from edge.vocabulary import Action

VERBS = {action.value.replace("_", "-"): action for action in Action}
_HEX_NONCE = 32


@app.command()
def command(  # noqa: PLR0913 - one option each
    verb: Annotated[str, typer.Argument(help=f"One of {', '.join(VERBS)}.")],
    *,
    reason: Annotated[str, typer.Option(help="Why; it stands in the door's record.")],
    key: Annotated[Path, typer.Option(help="Your private key, from `edge-door keys make`.")],
    second: Annotated[
        Path | None, typer.Option("--second", help="A second operator's key, where two must sign.")
    ] = None,
    join: Annotated[
        str | None, typer.Option(help="Be the second: the nonce that the first one was told.")
    ] = None,
    timeout: Annotated[float, typer.Option(min=1, max=60, help="Seconds to wait.")] = 10.0,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """Unlock, lock or set the mode of the door in the configuration, over its broker."""
    if verb not in VERBS:
        raise UsageError(f"there is no order {verb!r}. There are: {', '.join(VERBS)}.")
    if len(reason) > MAX_REASON or not reason.isprintable():
        raise UsageError(f"the reason has at most {MAX_REASON} printable characters.")
    if join is not None and len(join) != _HEX_NONCE:
        raise UsageError(f"--join is the nonce of {_HEX_NONCE} hex digits that the door answered.")
    settings = read_config(config, required=True)
    nonce, issued = join or secrets.token_hex(16), int(time.time())
    texts = [
        sign_command(
            read_key(file),
            settings.device.id,
            VERBS[verb],
            int(time.time() * 1000),
            issued,
            nonce,
            reason=reason,
        )
        for file in (key, second)
        if file is not None
    ]
    result = send(settings, texts, nonce, timeout)
    said = result.answer.reason if result.answer else "the door has not answered"
    state = "done" if result.done else "refused" if result.answer else "sent, not answered"
    told = {"ok": result.done, "sent": result.sent, "done": result.done, "said": said}
    if not result.sent:
        state = "not sent"
    show(told | {"nonce": nonce}, as_json=json, text=f"{verb}: {state}. {said}")
    if not result.done:
        raise typer.Exit(1)
