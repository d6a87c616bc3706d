"""`[camera]`, `[models]`, `[quality]`, `[liveness]`: how a face is seen, and seen to live."""

from enum import Enum
from typing import Literal

from pydantic import Field, field_validator, model_validator
from typing_extensions import Self

from edge.config.section import Number, OnOff, Section, Whole
from edge.redact import public
from edge.vocabulary import TURNS, Move


class CameraSection(Section):
    """Where frames come from."""

    source: str = Field("/dev/video0", min_length=1)
    """A V4L2 device, `picamera2`, `csi` (Jetson), `gstreamer:PIPELINE`, `rtsp://...`, a video file,
    or a folder of images."""
    second: str | None = None
    """A second camera beside it, for infrared or depth: at `[liveness] level = "auto"` a face that
    it does not see as well is doubted."""
    width: Whole = Field(640, ge=160, le=3840)
    """Asked of the camera, pixels; it may deliver another size."""
    height: Whole = Field(480, ge=120, le=2160)
    """Asked of the camera, pixels."""
    fps: Number = Field(30.0, ge=1, le=120)
    """Asked of the camera; the pace of a folder of images."""
    rotate: Literal[0, 90, 180, 270] = 0
    """Degrees clockwise, for a camera that is mounted turned."""
    stale_after_s: Number = Field(0.5, ge=0.1, le=10)
    """A newest frame older than this denies everything."""
    loop: OnOff = False
    """Start a file again when it ends, for tests and demonstrations."""

    @model_validator(mode="after")
    def _two_cameras(self) -> Self:
        if self.second == self.source:
            raise ValueError("second is the same camera as source, and would see what it sees")
        return self

    @property
    def shown(self) -> str:
        """The source as logs and answers may name it: without its password."""
        return public(self.source)

    @property
    def public(self) -> Self:
        """The section as answers may show it: without the passwords of its cameras."""
        second = self.second and public(self.second)
        return self.model_copy(update={"source": self.shown, "second": second})


class ModelsSection(Section):
    """Which models run, and on what. Names are those of manifest.toml; unset means its default."""

    detector: str | None = None
    """Finds faces."""
    landmarks: str | None = None
    """The 468-point mesh."""
    eyelids: str | None = None
    """Follows the eyelids."""
    embedder: str | None = None
    """Makes the vector that is compared."""
    runtime: Literal["auto", "litert", "tflite-runtime"] = "auto"
    """`auto` prefers LiteRT."""
    profile: Literal["auto", "full", "light"] = "auto"
    """`light`: faces are compared less often. `auto`: light once fewer frames than blinks need are
    judged, and while the board is hot or short of memory, when half of the frames are left out as
    well. `full`: never."""
    threads: Whole = Field(2, ge=1, le=16)
    """Threads of one inference; `edge-door bench --tune` finds and keeps better ones a network."""


class QualitySection(Section):
    """May this face be judged at all?"""

    min_face_px: Whole = Field(48, ge=32, le=1000)
    """Smaller faces are asked to come closer; enrolment wants 80 pixels."""
    max_yaw_deg: Number = Field(35, ge=5, le=90)
    """Face turned further aside is not matched."""
    max_pitch_deg: Number = Field(30, ge=5, le=90)
    """Face further up or down is not matched."""
    min_brightness: Number = Field(35, ge=0, le=255)
    """Mean luminance of the face."""
    max_brightness: Number = Field(235, ge=0, le=255)
    """Mean luminance of the face."""
    min_sharpness: Number = Field(8, ge=0)
    """Variance of the Laplacian of the aligned face."""

    @model_validator(mode="after")
    def _some_light_is_right(self) -> Self:
        if self.min_brightness >= self.max_brightness:
            raise ValueError("min_brightness is not below max_brightness, so no face is ever right")
        return self


class Level(str, Enum):
    """What counts as a proof of life."""

    AUTO = "auto"
    BLINK = "blink"
    CHALLENGE = "challenge"
    BOTH = "both"


class LivenessSection(Section):
    """Proof of life."""

    level: Level = Level.AUTO
    """`auto`: a blink, and a random instruction as well where the picture looks filmed or printed.
    `blink`: a natural blink. `challenge`: a random instruction. `both`: one after the other."""
    timeout_s: Number = Field(10.0, ge=2, le=60)
    """A face that shows no life for so long is denied; whoever is asked for a challenge has
    `challenge_s` more."""
    fresh_s: Number = Field(5.0, ge=1, le=30)
    """How long a blink, or an answered challenge, counts."""
    challenge_moves: tuple[Move, ...] = tuple(Move)
    """What a challenge may ask for. Leave out what somebody at this door cannot do: the blinks, a
    turn, coming closer."""
    challenge_steps: Whole = Field(3, ge=1, le=6)
    """How many of them in a row; never the same twice in a row. Two more after one that was lost,
    and for whose face was shown too often."""
    challenge_s: Number = Field(12.0, ge=3, le=60)
    """Time for the whole challenge; for a longer one more, by as much as it is longer."""
    max_guess: Number = Field(0.01, gt=0, le=0.05)
    """A challenge that a recording would answer more often than this by chance is refused."""

    @property
    def guess_probability(self) -> float:
        """The chance that moves drawn at random answer a fresh challenge.

        None is drawn without a turn of the head, where the moves have one.
        """
        flat = len(set(self.challenge_moves) - TURNS)
        ways = self._ways(len(self.challenge_moves))
        return 1.0 / (ways - self._ways(flat) or ways)

    def _ways(self, kinds: int) -> int:
        """How many challenges so many kinds of moves make; none comes twice in a row."""
        return kinds * max(0, kinds - 1) ** (self.challenge_steps - 1)

    @property
    def longer(self) -> Self:
        """The same with challenges of two moves more, for whoever the door is wary of."""
        steps = self.challenge_steps + 2
        seconds = self.challenge_s * steps / self.challenge_steps
        return self.model_copy(update={"challenge_steps": steps, "challenge_s": seconds})

    @field_validator("challenge_moves")
    @classmethod
    def _moves_differ(cls, moves: tuple[Move, ...]) -> tuple[Move, ...]:
        if len(set(moves)) != len(moves) or len(moves) < 2:
            raise ValueError("name at least two different moves")
        return moves

    @model_validator(mode="after")
    def _hard_to_guess(self) -> Self:
        if self.level is not Level.BLINK and self.guess_probability > self.max_guess:
            raise ValueError(
                f"{self.challenge_steps} steps of {len(self.challenge_moves)} moves are guessed "
                f"with probability {self.guess_probability:.3f}, more than max_guess = "
                f"{self.max_guess}. Ask for more steps or allow more moves"
            )
        return self
