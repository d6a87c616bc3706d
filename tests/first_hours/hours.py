"""Newcomers, the pages that each reads, and what they must do otherwise than it stands there.

A command of a page that is not named here is typed as it stands and must end with 0.
"""

from __future__ import annotations

from tests.first_hours.building import BUILDING
from tests.first_hours.hour import Hour
from tests.first_hours.steps import Step

CONFIG = "/etc/edge-door/edge-door.toml"
FIGURES = "it needs labelled pictures that cannot be handed on"
CAMERA = "there is no camera here"
BUILDING_S = "it is typed in the hour of the building"
BROKER = "it needs a broker that the door is on: tests/link and tests/whole play it"
PEERS = "MediaPipe needs an environment of its own, as tests/evaluate/test_peers.py says"
_PYTHON = (
    "./deploy/demo.sh",
    "sudo apt-get update && sudo apt-get install -y python3 python3-venv",
)
_EDITED = " ".join(
    f"-e 's|^#* *{key} = .*|{key} = {value}|'"
    for key, value in {"source": '"/hour/camera.avi"', "loop": "true", "claim": '"anyone"'}.items()
)
_PUBLIC = "$(edge-door command key tom.key)"
_GSTREAMER = "python3-gi gir1.2-gstreamer-1.0 gstreamer1.0-plugins-base gstreamer1.0-plugins-good"
_ANNA = "sudo edge-door enroll Anna photos/anna/"
_FORGET = "sudo edge-door people remove Anna"
UNTYPED = dict.fromkeys(
    (
        "deploy/broker/README.md#A broker at every site",
        "deploy/broker/README.md#Three RabbitMQ nodes",
        "deploy/fleet/README.md#Many hosts",
    ),
    "it needs many hosts: tests/fleet and --cluster play them",
) | {
    "README.md#How good it is": FIGURES,
    "deploy/guide/keys.md": "it needs a TPM, or a passphrase at every start: tests/vault plays it",
    "deploy/guide/updates.md": "it needs a bundle of another version: the updates' tests make one",
}
"""Pages that no newcomer here reads, and why."""


HOURS = (
    Hour(
        "from-deepface",
        "newcomer",
        ("deploy/guide/python.md", "README.md#Three lines of Python"),
        folder="/home/newcomer",
        packages=("python3-venv",),
        but=(
            Step("pip install .", instead="pip install ./edge-door"),
            Step(
                "edge-door models add FILE.tflite --preset arcface --images FOLDER",
                instead="edge-door models add FILE.tflite --preset arcface --name mine "
                "--images two",
            ),
            Step("edge-door calibrate", skipped=FIGURES),
            Step(
                "edge-door calibrate --model arcface --images DIR --pairs FILE --out CALIBRATION",
                skipped=FIGURES,
            ),
            Step("edge-door models add AGE.tflite --preset age"),
        ),
    ),
    Hour(
        "a-pi-with-home-assistant",
        "newcomer",
        (
            "README.md#Two commands",
            "README.md#A real door",
            "README.md#Home Assistant and MQTT",
            *(
                f"deploy/guide/{name}.md"
                for name in (
                    *("README", "installing", "wiring", "enrolment", "liveness", "home-assistant"),
                    *("mqtt", "prometheus", "record-and-keys", "speed", "troubleshooting"),
                    "privacy",
                )
            ),
            "deploy/boot/README.md",
            "deploy/guide/backup.md",
        ),
        but=(
            Step("./deploy/demo.sh", first=_PYTHON),
            Step("./deploy/fleet.sh", skipped=BUILDING_S),
            Step("./deploy/demo.sh --camera /dev/video0", skipped=CAMERA),
            Step(f"sudo nano {CONFIG}", instead=f"sudo sed -i {_EDITED} {CONFIG}"),
            Step("sudo edge-door doctor", expected=(0, 1)),  # sight has the old camera yet
            Step("edge-door doctor", expected=(0, 1)),
            Step("edge-door status", expected=(0, 1)),
            Step("sudo edge-door watch", until="Waiting|et in", expected=(0, 130)),
            Step(
                "edge-door watch",
                instead="sudo timeout --signal=INT 5 edge-door watch",
                expected=(0, 124, 130),
            ),
            Step("apt-get install python3-picamera2", skipped="only Raspberry Pi OS has it"),
            Step(
                f"apt-get install {_GSTREAMER}",
                instead=f"sudo apt-get install --yes {_GSTREAMER}",
            ),
            *(
                Step(
                    f"journalctl -u edge-door-{name}",
                    instead=f"sudo journalctl -u edge-door-{name}",
                )
                for name in ("sight", "link")
            ),
            Step("tar -xpf", instead="sudo tar -C / -xpf edge-door-backup.tgz"),
            Step(  # what is typed in has no history to pull
                "git pull && sudo ./deploy/install.sh", instead="sudo ./deploy/install.sh"
            ),
            Step("edge-door office remove", expected=(2,)),  # of whom is not said
            Step("edge-door people", expected=(2,)),  # a group, which lists its commands
            Step("edge-door door test", expected=(0, 2)),  # where the guard holds the lines
            Step("sudo reboot", skipped="it ends the machine that this is typed in"),
            Step("sudo edge-door boot apply", expected=(2,)),  # of a Raspberry Pi alone
            Step("pip install .", skipped="it is typed in the hour of the Python user"),
            Step("pip install '.[NAME]'", instead=".venv/bin/pip install '.[plot]'"),
            Step("sudo edge-door enroll Anna photos/anna/ film.mp4", first=(_FORGET,)),
            Step("sudo edge-door enroll --from album/", first=(_FORGET,)),
            Step("sudo edge-door try", expected=(0, 1)),
            Step("edge-door adapt --images FOLDER", skipped=FIGURES),
            Step("edge-door evaluate liveness --clips clips.csv", skipped=FIGURES),
            Step("edge-door evaluate liveness --clips clips.csv --fps 12", skipped=FIGURES),
            Step(
                "edge-door evaluate liveness --clips clips.csv --only-attacks --family grey",
                skipped=FIGURES,
            ),
            Step("edge-door adapt --undo", expected=(2,)),  # nothing was adapted
            Step("edge-door claim NAME", instead="edge-door claim Anna", first=(_ANNA,)),
            Step("sudo edge-door credentials set-pin Anna", answer="4711"),
            Step(
                "edge-door command key /config/door.key",
                first=("sudo install -d -o newcomer /config",),
            ),
            Step("edge-door collect --metrics-port", skipped=BUILDING_S),
            Step("sudo edge-door metrics", until="127.0.0.1", expected=(0, 130)),
            Step(
                "sudo edge-door ledger backup /media/usb/ledger.db",
                first=("sudo install -d /media/usb",),
            ),
            Step(  # typed once each: what stops and starts the door has been
                "sudo edge-door ledger restore /media/usb/ledger.db",
                instead="sudo systemctl stop edge-door.target && "
                "sudo edge-door ledger restore /media/usb/ledger.db && "
                "sudo systemctl start edge-door.target",
            ),
            Step(
                "sudo edge-door ledger accept",
                instead="sudo systemctl stop edge-door.target && "
                "sudo edge-door ledger accept && "
                "sudo systemctl start edge-door.target",
            ),
            Step("edge-door demo", expected=(2,)),  # this machine is a sealed door by then
            Step("sudo dmesg", expected=(0, 1)),  # a container reads no kernel's log
            Step(
                "sudo edge-door keys make Tom --public BASE64",
                instead=f"sudo edge-door keys make Tom --public {_PUBLIC}",
            ),
            Step(
                'edge-door command unlock --reason "parcel" --key bea.key --config front-door.toml',
                skipped=BROKER,
            ),
            Step(
                'edge-door command unlock --reason "parcel" --key bea.key --second tom.key '
                "--config front-door.toml",
                skipped=BROKER,
            ),
            Step("edge-door bench", instead=".venv/bin/edge-door bench"),
            Step("edge-door bench --peers", skipped=PEERS),
            Step("peers/bin/pip install '.[demo,peers]'", skipped=PEERS),
            Step("peers/bin/edge-door bench --peers --steps 60", skipped=PEERS),
            Step("edge-door people remove NAME", instead="edge-door people remove Anna"),
        ),
    ),
    BUILDING,
)
