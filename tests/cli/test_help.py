"""What a help text says is there to its last word: none of it is taken for markup."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.cli.tree import commands

if TYPE_CHECKING:
    import pytest

# What runs until it is told to stop has no result to print.
PROGRAMS = {"run", "door", "sight", "link", "collect", "dashboard"}


def letters(text: str) -> str:
    """Without what a box is drawn of; an escaped bracket is a bracket."""
    return "".join(text.replace("\\[", "[").replace("│", "").split())


def test_help_shows_every_word_of_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "2000")  # no line is cut
    lost, count = [], 0
    for path, command in commands():
        context = command.context_class(command, info_name="edge-door")
        command.format_help(context, context.make_formatter())
        shown = letters(capsys.readouterr().out)
        told = (command.help, *(getattr(one, "help", None) for one in command.params))
        lost += [(path, text) for text in told if text and letters(text) not in shown]
        count += 1
    assert not lost
    assert count > 100


def test_every_command_with_a_result_has_it_for_machines() -> None:
    without = {
        " ".join(path)
        for path, command in commands()
        if not hasattr(command, "commands") or command.invoke_without_command
        if not any("--json" in parameter.opts for parameter in command.params)
    }
    assert without - {""} == PROGRAMS


def test_every_option_says_what_it_is_for() -> None:
    silent = [
        (path, parameter.opts)
        for path, command in commands()
        for parameter in command.params
        if parameter.param_type_name == "option" and not (parameter.help or parameter.hidden)
    ]
    assert not silent
