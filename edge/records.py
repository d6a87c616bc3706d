"""The values that pass between stages: frozen, with units and coordinate frames.

Frame pixels: origin at the top left corner, x to the right, y down.
Durations and stamps named `at` or `captured_at`: seconds of the monotonic clock.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

# The closed lists that these values carry; a room above may take them from here.
from edge.vocabulary import EventKind as EventKind
from edge.vocabulary import Hint as Hint
from edge.vocabulary import LivenessState as LivenessState
from edge.vocabulary import Move as Move
from edge.vocabulary import Outcome as Outcome
from edge.vocabulary import Reason as Reason

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray

    Pixels = NDArray[np.uint8]
    Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """One picture from the camera: RGB uint8 `(h, w, 3)`, stamped once when it arrived."""

    pixels: Pixels
    captured_at: float
    sequence: int
    beside: Pixels | None = None
    """What a second camera saw then, RGB, of any size; None: there is none, or it failed."""


@dataclass(frozen=True, slots=True)
class Box:
    """An upright rectangle in frame pixels."""

    left: float
    top: float
    width: float
    height: float

    @property
    def centre(self) -> tuple[float, float]:
        """The middle, (x, y) in frame pixels."""
        return self.left + self.width / 2, self.top + self.height / 2

    def iou(self, other: Box) -> float:
        """Intersection over union, 0-1."""
        w = min(self.left + self.width, other.left + other.width) - max(self.left, other.left)
        h = min(self.top + self.height, other.top + other.height) - max(self.top, other.top)
        if w <= 0 or h <= 0:
            return 0.0
        overlap = w * h
        return overlap / (self.width * self.height + other.width * other.height - overlap)


@dataclass(frozen=True, slots=True, eq=False)
class Face:
    """A detected face: box and keypoints `(k, 2)` in frame pixels, score 0-1.

    Keypoint order: the person's right eye, left eye, nose tip, mouth centre, and where the detector
    knows them right and left ear.
    """

    box: Box
    keypoints: Floats
    score: float


@dataclass(frozen=True, slots=True, eq=False)
class Landmarks:
    """The face mesh: `(468, 3)` points (x, y in frame pixels, z in that scale), presence 0-1."""

    points: Floats
    presence: float
    five: Floats
    """`(5, 2)`: right eye, left eye, nose tip, right and left mouth corner, in frame pixels."""
    yaw: float
    """Degrees; positive when the person turns towards the left edge of the frame."""
    pitch: float
    """Degrees; positive when the person looks up."""
    roll: float
    """Degrees; positive when the head tilts clockwise in the frame."""


@dataclass(frozen=True, slots=True)
class EyeOpenness:
    """Eyelid opening of both eyes: its height over its width (about 0 closed, 0.3 open)."""

    right: float
    left: float
    right_shut: float = 0.0
    """Log-odds that the right eye is shut, by another network; about -4 open, 5 shut."""
    left_shut: float = 0.0


@dataclass(frozen=True, slots=True)
class Quality:
    """May this face be judged at all? `hint` says what to change when it may not."""

    ok: bool
    hint: Hint
    face_px: float
    """Width of the face's box, frame pixels."""
    sharpness: float
    """Variance of the Laplacian of the aligned face."""
    brightness: float
    """Mean luminance of the aligned face, 0-255."""


@dataclass(frozen=True, slots=True, eq=False)
class AlignedFace:
    """RGB uint8, eyes level: `(112, 112, 3)` on ArcFace's template, or as an embedder wants it."""

    pixels: Pixels


@dataclass(frozen=True, slots=True, eq=False)
class Embedding:
    """float32 `(d,)`, L2-normalised, and the SHA-256 of the model that made it."""

    vector: Floats
    model: str


@dataclass(frozen=True, slots=True, eq=False)
class Template:
    """A person's reference: unit vectors `(n, d)` float32 from one model."""

    person: str
    vectors: Floats
    model: str


@dataclass(frozen=True, slots=True)
class Match:
    """The best template for a probe.

    `person` is None when nobody is enrolled (or the claim names nobody).
    """

    person: str | None
    similarity: float
    threshold: float
    """For this comparison: a face that resembles many strangers needs more."""
    false_match_rate: float
    """The rate the threshold was set for, after it was shared among all competing templates."""

    @property
    def margin(self) -> float:
        """How far above its threshold; negative where it does not match."""
        return self.similarity - self.threshold

    @property
    def matched(self) -> bool:
        """Similarity at or above the threshold, for a named person."""
        return self.person is not None and self.margin >= 0


@dataclass(frozen=True, slots=True)
class Opinion:
    """What one passive check made of one frame."""

    check: str
    against: float
    """Log-odds that this is no living face."""


@dataclass(frozen=True, slots=True)
class Liveness:
    """The state of the proof of life and what was seen."""

    state: LivenessState
    blinks: int = 0
    seen: str = ""
    """One short sentence: what was seen or is missing, for people and logs."""
    instruction: str = ""
    """What the running challenge asks for now; empty when none runs."""
    move: Move | None = None
    """The same as one of `challenge_moves`, for lamps and buzzers."""
    challenge: int = 0
    """Number of the running challenge, each with moves of its own; 0 while none runs."""
    answered: bool = False
    """It is a challenge that proves life, and not a blink alone."""
    doubted: bool = False
    """A passive check speaks against the picture: a blink alone does not do."""
    blink: tuple[float, float] | None = None
    """Begin and end of a blink that this frame completes, whether it proves life or not."""
    since: float | None = None
    """When the proof that stands was begun; None while none does."""
    compare: bool = False
    """Whose face the next frame shows has to be seen: something counts only if it is the same."""


@dataclass(frozen=True, slots=True)
class Regard:
    """What whoever decides makes of a track, as far as its proof of life goes."""

    hears: bool = True
    """They may be told what a challenge asks for."""
    wary: bool = False
    """A blink will not do, where the level leaves that open."""
    longer: bool = False
    """A challenge is one of more moves."""


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """All that one frame gave. Later stages are None when an earlier one stopped the way."""

    captured_at: float
    sequence: int
    faces: int
    face: Face | None = None
    landmarks: Landmarks | None = None
    aligned: AlignedFace | None = None
    eyes: EyeOpenness | None = None
    quality: Quality | None = None
    embedding: Embedding | None = None
    """Only on frames on which the embedder ran."""
    opinions: tuple[Opinion, ...] = ()
    """Of the passive checks that looked at this frame."""
    liveness: Liveness = Liveness(LivenessState.PENDING)
    proof: tuple[Embedding, ...] = ()
    """All that was compared since the proof of life that stands was begun."""
    track: int = 0
    """Number of the unbroken track this face belongs to; a new number is a new person."""
    unchanged_s: float = 0.0
    """Seconds since the picture last differed from the one before: a frozen camera."""


@dataclass(frozen=True, slots=True)
class Decision:
    """Outcome, reason, and a hint for the person; who and how near when a match was made."""

    outcome: Outcome
    reason: Reason
    hint: Hint = Hint.NONE
    match: Match | None = None


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened, for the ledger. Never pixels, never embeddings."""

    kind: EventKind
    reason: Reason
    at: float
    wall: float
    """Seconds since the Unix epoch."""
    wall_trusted: bool
    """False until the system clock was synchronised."""
    device: str
    person: str | None = None
    detail: Mapping[str, str | float | bool] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """An event as the ledger keeps it: numbered without gaps, chained by hash."""

    sequence: int
    boot: str
    event: Event
    chain: str
    """Hex SHA-256 over the previous entry's chain and this entry."""
    body: str = ""
    """The event as it was hashed: canonical JSON."""
    head: Head | None = None
    """The device's signature of this entry; None where it was never signed."""


@dataclass(frozen=True, slots=True)
class Head:
    """A signed head: the device vouches that its entry `sequence` has this chain."""

    sequence: int
    chain: str
    key: str
    """Hex of the first 8 bytes of the public key's SHA-256."""
    signature: str
    """Base64 Ed25519 over `edge.ledger.seal.head_text`."""
