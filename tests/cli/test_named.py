"""What a message, a remedy or a page tells people to do exists: commands, options, documents."""

from __future__ import annotations

import re
import shlex
from typing import Any

import pytest
import typer
import typer.main

from tests.cli.tree import loaded, tree
from tests.conftest import ROOT

PLACES = ("edge", "deploy", "systemd", "models", "README.md", ".github", ".ci")
PAGES = (".md", ".py", ".sh", ".toml", ".service", ".conf", ".html")
QUOTED = re.compile(r"`(?:sudo )?(edge-door [^`\n]+)`")
TYPED = re.compile(r"^ *(?:sudo )?(edge-door [a-z][^\n]*)$", re.MULTILINE)
FENCED = re.compile(r"^```(?:sh|bash)?\n(.*?)^```", re.MULTILINE | re.DOTALL)
SCRIPT = re.compile(r"^ *```(?:sh|bash|yaml)\n(.*?)^ *```", re.MULTILINE | re.DOTALL)
CALLED = re.compile(r"(?:^|[:;&|(] )\s*(?:sudo )?(edge-door [a-z][^\n]*)$", re.MULTILINE)
CONTINUED = re.compile(r"\\\n\s*")
DOCUMENT = re.compile(
    r"(?<![\w/.<$}-])((?:deploy|models|edge|tests|systemd)/[\w./-]+\.(?:md|sh|toml|svg|png|py))\b"
)
OURS = re.compile(r"(?<![\w/.-])([A-Z]{3,}\.md)\b")

MISUSED: Any = typer.BadParameter.__mro__[1]  # click's UsageError, which typer has not by name


def texts() -> list[tuple[str, str]]:
    files = [
        path
        for place in PLACES
        for path in ([ROOT / place] if (ROOT / place).is_file() else (ROOT / place).rglob("*"))
        if path.suffix in PAGES and "__pycache__" not in path.parts
    ]
    files += ROOT.glob("*.md")
    joined = re.compile(r'"\s*\n\s*f?"')  # a sentence over several lines of source
    return [
        (path.relative_to(ROOT).as_posix(), joined.sub("", path.read_text(encoding="utf-8")))
        for path in sorted(set(files))
    ]


def named(text: str, page: str) -> list[str]:
    found = QUOTED.findall(text)
    if page.endswith(".md"):
        for block in FENCED.findall(text):
            found += TYPED.findall(block)
    return [re.split(r"\s+#|[|;&<>]", line)[0].strip() for line in found]


def wrong(line: str) -> str | None:
    """What of a command line does not exist; None if all does."""
    command, words = tree(), line.split()[1:]
    while words and hasattr(command, "commands"):
        word = words.pop(0)
        if not re.fullmatch(r"[a-z][a-z-]+", word):  # a placeholder or an option
            words.insert(0, word)
            break
        alternatives = [command.commands.get(one) for one in word.split("|")]
        if alternatives[0] is None:
            return f"no command {word!r}"
        command = loaded(alternatives[0])
    known = {option for parameter in command.params for option in parameter.opts}
    known |= {o for p in command.params for o in p.secondary_opts} | {"--help", "-h"}
    for word in words:
        option = re.match(r"\[?(--?[a-z][a-z-]*)", word)
        if option and option[1] not in known:
            return f"no option {option[1]}"
    return None


def scripted(text: str) -> list[str]:
    """The commands in a page's scripts, also those in YAML: such as can be typed as they stand."""
    lines = [
        line for block in SCRIPT.findall(text) for line in CALLED.findall(CONTINUED.sub(" ", block))
    ]
    return [re.split(r"\s+(?:#|\||;|&&|>|<)", line)[0].strip() for line in lines]


def refused(line: str) -> str | None:
    """Why a command line would be refused as it stands; None if it would not."""
    command, words = tree(), shlex.split(line)[1:]
    while words and hasattr(command, "commands") and words[0] in command.commands:
        command = loaded(command.commands[words.pop(0)])
    context = command.context_class(command)
    if "--help" in words or (hasattr(command, "commands") and command.invoke_without_command):
        return None
    try:
        given, extra, _ = command.make_parser(context).parse_args(words)
    except MISUSED as error:
        return str(error)
    missing = [p.name for p in command.params if p.required and not given.get(p.name)]
    return f"lacks {missing}" if missing else f"too much: {extra}" if extra else None


def test_every_command_that_is_named_exists() -> None:
    missing = [
        f"{page}: `{line}`: {problem}"
        for page, text in texts()
        for line in named(text, page)
        if (problem := wrong(line))
    ]
    assert not missing, "\n".join(missing)


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("edge-door vote", "no command 'vote'"),
        ("edge-door people vote", "no command 'vote'"),
        ("edge-door people list --colour", "no option --colour"),
        ("edge-door people list --json", None),
    ],
)
def test_what_does_not_exist_would_be_found(line: str, problem: str | None) -> None:
    assert wrong(line) == problem


def test_every_command_in_a_script_of_a_page_would_be_taken_as_it_stands() -> None:
    lines = [
        (page, line) for page, text in texts() if page.endswith(".md") for line in scripted(text)
    ]
    refusals = [f"{page}: `{line}`: {why}" for page, line in lines if (why := refused(line))]
    assert not refusals, "\n".join(refusals)
    assert any("command unlock --reason" in line for page, line in lines if "home-ass" in page)


@pytest.mark.parametrize(
    ("script", "why"),
    [
        ("```yaml\na:\n  b: edge-door command unlock --key k\n```", "lacks ['reason']"),
        ("   ```sh\n   sudo edge-door office trust door1 \\\n     --group a\n   ```", "['said']"),
        ("```sh\nx && edge-door people list Anna  # all\n```", "too much: ['Anna']"),
        ("```sh\nedge-door people list --colour\n```", "No such option: --colour"),
        ("```sh\nedge-door events --last\n```", "requires an argument"),
    ],
)
def test_what_would_be_refused_is_found(script: str, why: str) -> None:
    assert [why in (refused(line) or "") for line in scripted(script)] == [True]


def test_every_document_that_is_named_exists() -> None:
    missing = [
        f"{page}: {name}"
        for page, text in texts()
        for name in DOCUMENT.findall(text) + OURS.findall(text)
        if not (ROOT / name).exists() and not (ROOT / page).parent.joinpath(name).exists()
    ]
    assert not missing, "\n".join(missing)
