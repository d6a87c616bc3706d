"""What a person types: results, sentences, exit codes."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from edge.ops.demo.animate import Portrait
from edge.vision.models.manifest import shipped_models
from tests.support.forked import edge_door, unmeasured
from tests.support.pictures import save
from tests.support.running import Door


def said(done: subprocess.CompletedProcess[str]) -> str:
    return "\n".join(
        line for line in done.stderr.splitlines() if not line.startswith(("INFO:", "W0000"))
    )


class TestPeople:
    def test_enrol_list_rename_remove(self, door: Door, stills: Path, grace: Portrait) -> None:
        enrolled = door.command("enroll", "Eileen", "--from", str(stills), "--json")
        assert json.loads(enrolled.stdout)["captures"] >= 3
        other = save(door.folder / "grace.png", grace.pixels)
        assert door.command("enroll", "Grace", "--from", str(other)).returncode == 0
        assert door.command("people", "rename", "EILEEN", " Colonel ").returncode == 0
        people = json.loads(door.command("people", "list", "--json").stdout)["people"]
        assert [p["name"] for p in people] == ["Colonel", "Grace"]
        assert door.command("credentials", "add-card", "grace", "0x4D").returncode == 0
        assert door.command("people", "remove", " grace").returncode == 0
        # However they were typed: who reads the record tells people apart by their names.
        assert {event.person for event in door.events()} == {"Eileen", "Colonel", "Grace"}
        assert {event.detail.get("before") for event in door.events()} == {None, "Eileen"}
        reasons = [event.reason.value for event in door.events()]
        assert reasons[::2] == ["intended"] * 5
        kinds = ["enrolled", "enrolled", "renamed", "credential_added", "removed"]
        assert reasons[1::2] == kinds

    def test_the_same_face_under_another_name_is_refused(self, door: Door, stills: Path) -> None:
        door.enroll("Eileen", "--from", str(stills))
        again = door.command("enroll", "Impostor", "--from", str(stills))
        assert again.returncode == 1
        assert "the face of Impostor resembles that of Eileen" in said(again)
        assert "--lookalike 'Eileen' --reason" in said(again)
        assert "remove" not in said(again).lower()
        people = json.loads(door.command("people", "list", "--json").stdout)["people"]
        assert len(people) == 1

    def test_the_key_is_readable_by_its_owner_alone(self, door: Door, stills: Path) -> None:
        door.enroll("Eileen", "--from", str(stills))
        assert door.config.key_file.stat().st_mode & 0o777 == 0o600
        content = door.config.people_db.read_bytes()
        assert b"SQLite" in content[:16]
        door.config.key_file.chmod(0o644)
        open_key = door.command("people", "list")
        assert open_key.returncode == 1
        assert "vault.key" in said(open_key)


class TestNames:
    def test_brackets_and_colons_are_text(self, door: Door, stills: Path) -> None:
        door.enroll("Ann [/b]", "--from", str(stills))
        assert door.command("credentials", "add-card", "Ann [/b]", "0x4D").returncode == 0
        assert door.command("people", "rename", "Ann [/b]", "Ann [red] :key:").returncode == 0
        for command in (["people", "list"], ["credentials", "list"], ["events"]):
            done = door.command(*command)
            assert done.returncode == 0, said(done)
            assert "Ann [red]" in done.stdout
            assert ":key:" in done.stdout
        assert "card" in [event.detail.get("kind") for event in door.events()]

    def test_a_misspelt_one_is_offered_and_what_is_not_there_is_not_revoked(
        self, door: Door, stills: Path
    ) -> None:
        door.enroll("Anna", str(stills))
        misspelt = door.command("people", "remove", "Ana")
        assert misspelt.returncode == 2
        assert "Nobody here is called 'Ana'. Did you mean 'Anna'? Enrolled: Anna." in said(misspelt)
        before = len(door.events())
        cardless = door.command("credentials", "revoke", "anna", "card")
        assert cardless.returncode == 2
        assert "anna has no card: there is nothing to revoke." in said(cardless)
        assert len(door.events()) == before

    def test_one_card_of_several_is_revoked_alone(self, door: Door, stills: Path) -> None:
        door.enroll("Anna", str(stills))
        for card in ("0007654321", "0x4D"):
            assert door.command("credentials", "add-card", "Anna", card).returncode == 0
        before = len(door.events())
        for words, why in (
            (("card", "78"), "Anna has no card 78: there is nothing to revoke."),
            (("pin", "7654321"), "Anna has one pin at most"),
            (("card", "lost"), "This is no card number"),
        ):
            refused = door.command("credentials", "revoke", "Anna", *words)
            assert refused.returncode == 2
            assert why in said(refused)
        assert len(door.events()) == before
        one = door.command("credentials", "revoke", "anna", "card", "7654321")
        assert one.stdout == "anna: 1 revoked.\n"
        rest = door.command("credentials", "revoke", "Anna", "card")
        assert rest.stdout == "Anna: 1 revoked.\n"

    def test_a_rule_is_never_left_behind(self, tmp_path: Path, stills: Path) -> None:
        rules = {"pin_alone": ["anna "]}
        door = Door(tmp_path, "/dev/video99", access=rules)
        door.enroll("Anna", "--from", str(stills))
        for command in (["rename", "Anna", "Annika"], ["remove", "Anna"]):
            done = door.command("people", *command)
            assert done.returncode == 2
            assert "stands in [access] schedule or pin_alone" in said(done)
        assert door.command("people", "rename", "Anna", "ANNA").returncode == 0
        door.path.write_text(door.path.read_text().replace("anna ", "Bo"))
        for command in (["sight"], ["config"], ["doctor"]):
            done = door.command(*command)
            assert done.returncode != 0
            assert "names Bo" in " ".join((said(done) + done.stdout).split())


class TestBadInput:
    """A sentence, the right exit code, nothing half-written."""

    @pytest.mark.parametrize(
        ("content", "sentence"),
        [
            (None, "cannot be read: No such file"),
            (b"", "is not an image that can be read"),
            (b"\x89PNG\r\n\x1a\n broken", "is not an image that can be read"),
        ],
    )
    def test_images(self, door: Door, content: bytes | None, sentence: str) -> None:
        picture = door.folder / "p.png"
        if content is not None:
            picture.write_bytes(content)
        done = door.command("enroll", "X", "--from", str(picture))
        assert done.returncode == (2 if content is None else 1)
        assert sentence in said(done)
        assert not door.config.people_db.exists()

    def test_a_film_that_is_none(self, door: Door) -> None:
        film = door.folder / "film.mp4"
        film.write_bytes(random.Random(5).randbytes(5000))
        done = door.command("enroll", "X", "--from", str(film), "--json")
        assert done.returncode == 1
        assert (
            "is neither a picture nor a video that can be read" in json.loads(done.stdout)["error"]
        )

    def test_pictures_without_a_face(self, door: Door) -> None:
        wall = save(door.folder / "wall.png", np.full((300, 300, 3), 120, np.uint8))
        done = door.command("enroll", "X", "--from", str(wall))
        assert done.returncode == 1
        assert "wall.png: no face was found in it" in said(done)
        assert "centre" not in said(done)

    def test_usage(self, door: Door) -> None:
        assert door.command("enroll", "X").returncode == 2
        assert door.command("nonsense").returncode == 2
        done = door.command("enroll", "a\nb", "--camera")
        assert done.returncode == 2
        assert "is not a name" in said(done)

    @pytest.mark.parametrize("command", ["run", "sight", "door", "link", "config"])
    def test_a_configuration_with_mistakes(self, tmp_path: Path, command: str) -> None:
        path = tmp_path / "bad.toml"
        path.write_text("[door]\npulse = 3\nrelay_pin = 2\nbackend = 'rpi'\n")
        done = edge_door(command, "--config", str(path))
        assert done.returncode == 2
        assert "door.pulse: there is no such key" in said(done)

    def test_a_real_pin_library_that_is_missing_stops_the_guard(self, tmp_path: Path) -> None:
        door = Door(tmp_path, "/dev/video99", door={"backend": "rpi"})
        done = door.command("door")
        assert done.returncode == 1
        assert "RPi" in said(done)

    def test_an_altered_model(self, tmp_path: Path) -> None:
        models = tmp_path / "models"
        models.mkdir()
        for path in shipped_models().iterdir():
            if path.suffix in {".tflite", ".toml"}:
                (models / path.name).write_bytes(path.read_bytes())
        for path in models.glob("blazeface*"):
            content = path.read_bytes()
            path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
        door = Door(tmp_path, "/dev/video99", paths={"models": str(models)})
        done = door.command("sight")
        assert done.returncode == 1
        assert "is not the file the manifest names" in said(done)

    @pytest.mark.parametrize("victim", ["people_db", "ledger_db", "key_file"])
    def test_damaged_state(self, door: Door, stills: Path, victim: str) -> None:
        door.enroll("Eileen", "--from", str(stills))
        path: Path = getattr(door.config, victim)
        for log in path.parent.glob(f"{path.name}-*"):
            log.unlink()
        path.write_bytes(b"damaged" * 1000)
        done = door.command(
            "events" if victim == "ledger_db" else "people",
            *([] if victim == "ledger_db" else ["list"]),
        )
        assert done.returncode == 1
        assert path.name in said(done)
        assert "Traceback" not in done.stderr

    def test_a_full_disk_leaves_the_vault_as_it_was(self, door: Door, stills: Path) -> None:
        door.enroll("Eileen", "--from", str(stills))
        before = json.loads(door.command("people", "list", "--json").stdout)
        done = subprocess.run(
            [
                "bash",
                "-c",
                # No file may grow: what a full disk looks like to SQLite.
                'trap "" XFSZ; ulimit -f 0; exec "$@"',
                "-",
                sys.executable,
                "-B",
                "-m",
                "edge",
                "people",
                "rename",
                "Eileen",
                "Other",
                "--config",
                str(door.path),
            ],
            capture_output=True,
            text=True,
            env=unmeasured(),
            timeout=60,
            check=False,
        )
        assert done.returncode == 1, done.stderr
        assert "Traceback" not in done.stderr
        assert json.loads(door.command("people", "list", "--json").stdout) == before

    def test_questions_to_a_daemon_that_does_not_run(self, door: Door) -> None:
        for command in (["watch"], ["status"], ["claim", "Eileen"]):
            done = door.command(*command)
            assert done.returncode == 1
            assert "nobody answers at" in said(done) + done.stdout
