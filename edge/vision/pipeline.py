"""The one place where the stages meet: step(Frame) -> Evidence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from edge.records import Evidence, LivenessState, Regard
from edge.vision.attention import PAUSE_S, Attention
from edge.vision.budget import Unhurried
from edge.vision.faces.aligner import align, grey_of
from edge.vision.faces.follower import Follower
from edge.vision.faces.limits import MIN_PRESENCE
from edge.vision.faces.quality import assess
from edge.vision.faces.shortlist import EASED_EMBED_S, EMBED_EVERY_S, KNOWN_EMBED_S, Shortlist
from edge.vision.faces.tracker import Tracker
from edge.vision.frozen import differ
from edge.vision.liveness.checks import opinions_of
from edge.vision.liveness.compared import Compared
from edge.vision.liveness.continuity import patch_of
from edge.vision.liveness.flicker import Flicker
from edge.vision.liveness.limits import LOOK_EVERY_S
from edge.vision.liveness.monitor import LivenessMonitor
from edge.vision.liveness.sample import Sample
from edge.vision.liveness.views import View
from edge.vision.stillness import Stillness

if TYPE_CHECKING:
    from edge.config import Config
    from edge.records import (
        AlignedFace,
        Embedding,
        EyeOpenness,
        Face,
        Floats,
        Frame,
        Landmarks,
        Opinion,
        Quality,
    )
    from edge.vision.stages import Stages

BYSTANDER = 0.4
"""A face narrower than this share of the nearest one stands well behind and is not judged."""


@dataclass(frozen=True, slots=True, eq=False)
class Look:
    """One face in one frame, as far as a single picture tells."""

    frame: Frame
    face: Face
    landmarks: Landmarks
    aligned: AlignedFace
    """On ArcFace's template, whichever embedder runs: quality and liveness know their way there."""
    quality: Quality
    patch: Floats
    """What is compared from frame to frame; see `edge.vision.liveness.continuity`."""
    before: Frame | None
    """The frame before, where there was one."""


class Pipeline:
    """Follows the person in front of one camera. Pure but for the models: time is the frames'."""

    def __init__(
        self,
        stages: Stages,
        config: Config,
        budget: Unhurried | None = None,
        *,
        asks: bool | None = None,
    ) -> None:
        """Start with nobody in view.

        Args:
            stages: the models.
            config: what counts as what.
            budget: what a frame's stages may take; `budget(stage)` is entered around each.
            asks: whether a challenge's instruction reaches people; None: as the door is configured.
        """
        self._stages = stages
        self._config = config
        self._time = budget or Unhurried()
        self._attention = Attention()
        self._follower = Follower()
        self._tracker = Tracker(stages.self_similarity)
        self._liveness = LivenessMonitor(
            config.liveness, asks=config.can_instruct if asks is None else asks
        )
        self.eased = False
        """The embedder runs less often, for a board that is too slow."""
        self.identified = False
        """It is decided who this is: the embedder only sees that nobody takes the place."""
        self.pause_s = 0.0
        """The camera may show its next picture so much later: nobody is there."""
        self.regarded: tuple[int, Regard] | None = None
        """What whoever decides makes of the newest track; None: of any, the best."""
        self._stillness = Stillness()
        self._flicker = Flicker()
        self._newest: Look | None = None
        self._frame: Frame | None = None
        self._before: Frame | None = None
        self._shortlist = Shortlist()
        self._compared = Compared(config.liveness.longer.challenge_s + config.liveness.fresh_s)
        self._checked_at = float("-inf")
        self._challenged = False
        self._changed_at = 0.0

    def step(self, frame: Frame) -> Evidence:
        """Everything that one more frame tells about the person in view."""
        self._time.begin()
        self._before, self._frame = self._frame, frame
        at = frame.captured_at
        unchanged_s = self._unchanged_for(frame)
        rests = self._attention.rests(at, frame.pixels)
        paused = self._attention.alone and not self._flicker.is_due(at)
        self.pause_s = PAUSE_S if paused else 0.0
        if rests:
            return Evidence(at, frame.sequence, 0, unchanged_s=unchanged_s)
        people, look = self._look_for_one(frame)
        if people:
            self._attention.saw(at)
        else:
            self._flicker.see_empty(frame, self._before)
        if look is None:
            if people:
                self._tracker.lose()
                self._liveness.reset()
            return Evidence(at, frame.sequence, people, unchanged_s=unchanged_s)
        track = self._tracker.see(at, look.face.box)
        with self._time("eyelids"):  # on every frame, so before what may wait for another one
            eyes = self._stages.eyelids.measure(frame, look.landmarks)
        self._ask_whose(at, eyes)
        # Before the embedder, whose networks leave nothing of the frame in the processor's caches.
        opinions = self._opinions_if_due(at, look)
        held = look.frame is not frame
        embedding = None if held else self._embed_if_due(at, track, look)
        if embedding is not None:
            track = self._tracker.recognise(embedding)
            self._shortlist.taken(at, track)
            self._compared.add(at, track, embedding)
        self._liveness.regard = self._regard_of(track)
        with self._time("liveness"):
            liveness = self._liveness.observe(
                Sample(
                    at=at,
                    track=track,
                    landmarks=look.landmarks,
                    patch=look.patch,
                    eyes=eyes,
                    opinions=opinions,
                    held=held,
                    repeated=unchanged_s > 0,
                    hint=look.quality.hint,
                    compared=embedding is not None,
                )
            )
        self._challenged = bool(liveness.instruction)
        self._tracker.prove(alive=liveness.state is LivenessState.LIVE)
        if liveness.compare:
            self._shortlist.ask()
        return Evidence(
            captured_at=at,
            sequence=frame.sequence,
            faces=1,
            face=look.face,
            landmarks=look.landmarks,
            aligned=look.aligned,
            eyes=eyes,
            quality=look.quality,
            embedding=embedding,
            opinions=opinions,
            liveness=liveness,
            proof=self._compared.since(liveness.since),
            track=track,
            unchanged_s=unchanged_s,
        )

    def _regard_of(self, track: int) -> Regard:
        if self.regarded is None:
            return Regard()
        whose, regard = self.regarded
        return regard if whose == track else Regard(hears=False)

    def _ask_whose(self, at: float, eyes: EyeOpenness) -> None:
        """Whose lids move is compared while they move, and while they fall on that very frame."""
        self._stillness.saw(at, eyes)
        if self._stillness.falls:
            self._shortlist.ask()
        elif self._stillness.stirred(at):
            self._shortlist.ask_within(at)

    def _look_for_one(self, frame: Frame) -> tuple[int, Look | None]:
        """How many people are near, and the one where it is one."""
        at = frame.captured_at
        expected = self._follower.expected(at)
        if expected is not None:
            if self._newest and not self._challenged and self._stillness.holds(at):
                return 1, self._newest
            look = self._locate(frame, expected)
            if look.landmarks.presence >= MIN_PRESENCE:
                return 1, look
        with self._time("detect"):
            faces = people_in(self._stages.detector.detect(frame))
        if len(faces) > 1:
            faces = self._believed(frame, faces)
        if len(faces) != 1:
            self._lose()
            return len(faces), None
        return 1, self._locate(frame, self._follower.detected(at, faces[0]))

    def _believed(self, frame: Frame, faces: list[Face]) -> list[Face]:
        """The only one in which the mesh believes: in noise the detector sees others beside it."""
        with self._time("landmarks"):
            mesh = self._stages.mesh
            seen = [one for one in faces if mesh.locate(frame, one).presence >= MIN_PRESENCE]
        return seen if len(seen) == 1 else faces

    def _locate(self, frame: Frame, face: Face) -> Look:
        """Look at a face, and follow it if the mesh believes in it."""
        look = self.look(frame, face)
        if look.landmarks.presence >= MIN_PRESENCE:
            self._follower.located(look.landmarks)
            self._stillness.looked(frame.captured_at, look.landmarks)
            self._newest = look
        else:
            self._lose()
        return look

    def _lose(self) -> None:
        self._follower.lose()
        self._stillness.clear()

    def ask_again(self) -> None:
        """A decision has been made: the next one needs a proof of life of its own."""
        self._liveness.reset()

    def look(self, frame: Frame, face: Face) -> Look:
        """Mesh, aligned crop and quality of one detected face."""
        with self._time("landmarks"):
            landmarks = self._stages.mesh.locate(frame, face)
        with self._time("align"):
            aligned = align(frame, landmarks)
        with self._time("quality"):
            grey, width = grey_of(aligned), frame.pixels.shape[1]
            quality = assess(self._config.quality, face, landmarks, grey, width)
            patch = patch_of(grey)  # here, while the crop is in the processor's cache
        return Look(frame, face, landmarks, aligned, quality, patch, self._before)

    def _embed_if_due(self, at: float, track: int, look: Look) -> Embedding | None:
        if self.identified and not self._challenged:
            every_s = KNOWN_EMBED_S
        else:
            every_s = EASED_EMBED_S if self.eased else EMBED_EVERY_S
        in_time = self._time.allows("embed")
        if not self._shortlist.takes(at, track, look.quality, every_s, in_time=in_time):
            return None
        with self._time("embed"):
            return self._stages.embedder.embed(look.frame, look.landmarks, look.aligned)

    def _opinions_if_due(self, at: float, look: Look) -> tuple[Opinion, ...]:
        waited_s = at - self._checked_at
        wait = waited_s < 2 * LOOK_EVERY_S and not self._time.allows("checks")
        if not self._stages.checks or waited_s < LOOK_EVERY_S or wait:
            return ()
        self._checked_at = at
        with self._time("checks"):
            view = View(look.frame, look.face, look.before, flickers=self._flicker.rolls)
            return opinions_of(self._stages.checks, view)

    def _unchanged_for(self, frame: Frame) -> float:
        """Seconds for which the camera has delivered the very same picture."""
        if self._before is None or differ(self._before.pixels, frame.pixels):
            self._changed_at = frame.captured_at
        return frame.captured_at - self._changed_at


def people_in(faces: list[Face]) -> list[Face]:
    """The faces near enough to be judged, best first: passers-by far behind are left out."""
    nearest = max((face.box.width for face in faces), default=0.0)
    return [face for face in faces if face.box.width >= BYSTANDER * nearest]
