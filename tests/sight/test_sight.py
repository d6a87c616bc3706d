"""Sight's smaller rooms: models that were altered, geometry, quality, tracks, enrolment, claims."""

from __future__ import annotations

import os
import shutil
import time
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from edge.access.cohort import NOBODY
from edge.access.gallery import Gallery
from edge.config import Config
from edge.config.entry import MatchSection
from edge.config.seeing import ModelsSection, QualitySection
from edge.errors import CalibrationError, EnrolmentError, ModelError, UsageError
from edge.ops.demo.animate import Portrait
from edge.ops.demo.film import enrolment_pictures
from edge.ops.pictures import Sources, gather
from edge.records import Box, Embedding, Frame, Hint, Template
from edge.sight.claims import Claims
from edge.sight.daemon import Sight
from edge.sight.known import Known
from edge.vision.calibrated import read_calibration, threshold
from edge.vision.enrolment import Capture, Collector
from edge.vision.faces.aligner import ARCFACE_112, align, grey_of, similarity
from edge.vision.faces.geometry import Square, transform
from edge.vision.faces.quality import assess
from edge.vision.faces.tracker import MAX_GAP_S, Tracker
from edge.vision.models.entries import DetectorEntry, EmbedderEntry
from edge.vision.models.manifest import read_manifest, shipped_models
from edge.vision.models.model import Model
from edge.vision.pipeline import Pipeline, people_in
from edge.vision.stages import Stages
from edge.wire.channel import Peer
from edge.wire.messages import Claim

MODEL = "ab" * 32


def unit(*values: float) -> Embedding:
    vector = np.array(values, np.float32)
    return Embedding(vector / np.linalg.norm(vector), MODEL)


class TestModels:
    @pytest.fixture
    def folder(self, tmp_path: Path) -> Path:
        for path in shipped_models().iterdir():
            if path.suffix in {".tflite", ".toml"}:
                shutil.copy(path, tmp_path)
        return tmp_path

    def test_one_flipped_bit_anywhere_refuses_the_file(self, folder: Path) -> None:
        entry = read_manifest(folder).entry(DetectorEntry)
        content = bytearray(entry.path.read_bytes())
        for position in np.random.default_rng(5).integers(0, len(content), 20):
            broken = bytearray(content)
            broken[position] ^= 1
            entry.path.write_bytes(broken)
            with pytest.raises(ModelError, match="is not the file the manifest names"):
                Model(entry)

    def test_a_missing_file_or_manifest_is_said(self, folder: Path) -> None:
        entry = read_manifest(folder).entry(DetectorEntry)
        entry.path.unlink()
        with pytest.raises(ModelError, match="cannot be read"):
            Model(entry)
        (folder / "manifest.toml").write_text("[models.x]\nrole = 'chef'\nfile = 'y'\n")
        with pytest.raises(ModelError, match=r"is not valid: .*\. Models and program belong tog"):
            read_manifest(folder)
        (folder / "manifest.toml").unlink()
        with pytest.raises(ModelError, match="cannot be read"):
            read_manifest(folder)

    def test_an_unknown_name_lists_the_known_ones(self) -> None:
        with pytest.raises(ModelError, match=r"no embedder model called 'x'\. There are: .*mobile"):
            read_manifest().entry(EmbedderEntry, "x")

    def test_a_calibration_of_another_model_is_refused(self, tmp_path: Path) -> None:
        embedder = read_manifest().embedder()
        good = (shipped_models() / "calibration" / f"{embedder.name}.json").read_text()
        (tmp_path / "c.json").write_text(good.replace(embedder.sha256, MODEL))
        config = Config(match=MatchSection(calibration=tmp_path / "c.json"))
        with pytest.raises(CalibrationError, match="made for the model abab"):
            read_calibration(config)
        with pytest.raises(CalibrationError, match="cannot be read"):
            read_calibration(Config(match=MatchSection(calibration=tmp_path / "none.json")))


class TestGeometry:
    @given(st.floats(-3, 3), st.floats(0.2, 5), st.floats(-200, 200), st.floats(-200, 200))
    def test_similarity_finds_the_transform_that_was_applied(
        self, angle: float, scale: float, x: float, y: float
    ) -> None:
        rotate = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        moved = (ARCFACE_112 @ rotate.T + [x, y]).astype(np.float32)
        back = transform(moved, similarity(moved, ARCFACE_112))
        assert np.abs(back - ARCFACE_112).max() < 0.05

    @pytest.mark.parametrize("mirrored", [False, True])
    def test_a_crop_shows_what_its_map_says(self, mirrored: bool) -> None:
        pixels = np.zeros((100, 120, 3), np.uint8)
        pixels[60, 80] = 255
        square = Square(70, 55, 40, angle=0.3, mirrored=mirrored)
        crop = square.crop(pixels, 80)
        y, x = np.unravel_index(crop[..., 0].argmax(), crop.shape[:2])
        mapped = transform(np.array([[x, y]], np.float32), square.to_frame(80))
        assert mapped[0] == pytest.approx([80, 60], abs=0.6)


class TestFaces:
    def test_portraits_align_with_eyes_level_on_the_template(self, eileen: Portrait) -> None:
        to = similarity(eileen.landmarks.five, ARCFACE_112)
        eyes = transform(eileen.landmarks.five, to)[:2]
        assert np.abs(eyes - ARCFACE_112[:2]).max() < 3  # a broad smile moves the mouth further

    def test_same_person_similar_other_person_not(
        self, stages: Stages, eileen: Portrait, grace: Portrait
    ) -> None:
        def embed(pixels: NDArray[Any]) -> Embedding:
            frame = Frame(pixels, 0.0, 1)
            face = stages.detector.detect(frame)[0]
            return stages.embedder.embed(frame, stages.mesh.locate(frame, face))

        darker = (eileen.pixels * 0.6).astype(np.uint8)
        mirrored = np.ascontiguousarray(eileen.pixels[:, ::-1])
        her = embed(eileen.pixels).vector
        calibration = read_calibration(Config())
        required = calibration.threshold_for(1e-4)
        assert her @ embed(darker).vector > required
        assert her @ embed(mirrored).vector > required
        assert her @ embed(grace.pixels).vector < calibration.threshold_for(1e-2)

    def test_no_face_in_noise(self, stages: Stages) -> None:
        noise = np.random.default_rng(1).integers(0, 255, (480, 640, 3), dtype=np.uint8)
        assert stages.detector.detect(Frame(noise, 0.0, 1)) == []

    def test_quality_hints(self, stages: Stages, eileen: Portrait) -> None:
        def hint(pixels: NDArray[Any], **limits: float) -> Hint:
            frame = Frame(pixels, 0.0, 1)
            face = stages.detector.detect(frame)[0]
            marks = stages.mesh.locate(frame, face)
            section = QualitySection.model_validate(limits)
            return assess(section, face, marks, grey_of(align(frame, marks)), pixels.shape[1]).hint

        assert hint(eileen.pixels) is Hint.NONE
        assert hint(eileen.pixels, min_face_px=200) is Hint.COME_CLOSER
        assert hint((eileen.pixels * 0.12).astype(np.uint8)) is Hint.MORE_LIGHT
        assert hint(eileen.pixels, min_sharpness=1e6) is Hint.HOLD_STILL
        assert hint(eileen.pixels[70:190, 170:280].copy()) is Hint.STEP_BACK

    def test_bystanders_far_behind_do_not_count(self, stages: Stages, eileen: Portrait) -> None:
        near = stages.detector.detect(Frame(eileen.pixels, 0.0, 1))[0]
        far = type(near)(Box(0, 0, near.box.width * 0.3, 1), near.keypoints, 0.9)
        beside = type(near)(Box(0, 0, near.box.width * 0.7, 1), near.keypoints, 0.9)
        assert people_in([near, far]) == [near]
        assert people_in([near, beside]) == [near, beside]

    def test_two_faces_in_view_give_no_evidence_of_one(
        self, stages: Stages, eileen: Portrait
    ) -> None:
        pair = np.hstack([eileen.pixels[:400, 60:400]] * 2)
        evidence = Pipeline(stages, Config()).step(Frame(pair, 0.0, 1))
        assert evidence.faces == 2
        assert evidence.embedding is None
        assert evidence.face is None

    def test_a_face_that_is_none_beside_somebody_is_no_second_one(
        self, stages: Stages, eileen: Portrait, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """In noise the detector sees faces on walls: whoever stood there began again each time."""
        frame = Frame(eileen.pixels, 0.0, 1)
        (real,) = stages.detector.detect(frame)
        wall = Box(0.0, 0.0, 0.8 * real.box.width, 0.8 * real.box.height)
        both = [real, replace(real, box=wall, keypoints=real.keypoints * np.float32(0.1))]
        monkeypatch.setattr(stages.detector, "detect", lambda _: both)
        pipeline = Pipeline(stages, Config())
        assert [pipeline.step(Frame(eileen.pixels, n / 30, n)).faces for n in range(12)] == [1] * 12


class TestTracker:
    BOX = Box(100, 100, 80, 80)

    def test_a_face_that_moves_slowly_keeps_its_track(self) -> None:
        tracker = Tracker(0.3)
        numbers = {tracker.see(n / 30, Box(100 + 3 * n, 100, 80, 80)) for n in range(60)}
        assert len(numbers) == 1

    def test_a_gap_a_jump_or_a_second_face_begins_a_new_track(self) -> None:
        tracker = Tracker(0.3)
        first = tracker.see(0.0, self.BOX)
        after_gap = tracker.see(MAX_GAP_S + 0.1, self.BOX)
        jumped = tracker.see(MAX_GAP_S + 0.2, Box(300, 100, 80, 80))
        tracker.lose()
        after_crowd = tracker.see(MAX_GAP_S + 0.3, Box(300, 100, 80, 80))
        assert len({first, after_gap, jumped, after_crowd}) == 4

    def test_another_person_in_the_same_place_begins_a_new_track(self) -> None:
        tracker = Tracker(0.3)
        first = tracker.see(0.0, self.BOX)
        assert tracker.recognise(unit(1, 0, 0)) == first
        assert tracker.recognise(unit(0.9, 0.1, 0)) == first
        assert tracker.recognise(unit(0, 1, 0)) == first + 1
        assert tracker.recognise(unit(0, 1, 0.1)) == first + 1

    def test_a_face_that_becomes_another_one_little_by_little_begins_a_new_track(self) -> None:
        """Each resembles the one before it, but not all that it would be matched with."""
        tracker = Tracker(0.5)
        melting = [unit(np.cos(turn), np.sin(turn)) for turn in (0.0, 0.6, 1.2)]
        first = tracker.recognise(melting[0])
        assert [tracker.recognise(one) for one in melting[1:]] == [first, first + 1]

    def test_whoever_comes_after_a_proof_of_life_resembles_who_gave_it(self) -> None:
        melting = [unit(np.cos(turn), np.sin(turn)) for turn in np.linspace(0, 1.5, 10)]
        unproven, proven = Tracker(0.5), Tracker(0.5)
        for number, one in enumerate(melting):
            unproven.recognise(one)
            track = proven.recognise(one)
            if number == 0:
                first = track
            proven.prove(alive=True)
        assert unproven.track == 0
        assert proven.track == first + 1

    def test_a_face_that_turns_away_slowly_keeps_its_track(self) -> None:
        tracker = Tracker(0.8)
        turning = [unit(np.cos(turn), np.sin(turn)) for turn in np.linspace(0, 1.5, 10)]
        assert len({tracker.recognise(one) for one in turning}) == 1


def collected(*embeddings: Embedding) -> Collector:
    collector = Collector(0.45)
    for embedding in embeddings:
        collector.add(Capture(embedding, Hint.NONE))
    return collector


class TestEnrolment:
    def test_the_same_picture_again_is_not_a_capture(self) -> None:
        assert len(collected(unit(1, 0), unit(1, 0.001), unit(1, 0.3)).embeddings) == 2

    @pytest.mark.parametrize(
        "embedder",
        [
            "mobilefacenet-int8",
            "mobilefacenet-256-int8",
            "mobilefacenets-int8",
            "dlib-resnet-int8",
            "mobilefacenet-dlib-int8",
        ],
    )
    def test_every_embedder_that_ships_tells_two_people_apart(
        self, embedder: str, eileen: Portrait, grace: Portrait, tmp_path: Path
    ) -> None:
        """A cosine of 0.7 is a match for one network and what strangers reach for another."""
        config = Config(models=ModelsSection(embedder=embedder))
        stages = Stages.load(config)
        people = {"eileen": eileen, "grace": grace}
        folders = [enrolment_pictures(who, tmp_path / name) for name, who in people.items()]
        taken: list[Embedding] = []
        for folder in folders:
            alone = gather(config, stages, Sources((folder,)), lambda *_: None).collector
            assert len(alone.template("Anna").vectors) >= 3
            taken += alone.embeddings[:3]
        both = Collector(threshold(config))
        both.embeddings = taken
        with pytest.raises(EnrolmentError, match="of 6 captures most show no one face"):
            both.template("Anna")
        both.embeddings = taken[:4]
        assert len(both.template("Anna").vectors) == 3
        tracker = Tracker(stages.self_similarity)
        assert tracker.recognise(taken[0]) == tracker.recognise(taken[1])
        assert tracker.recognise(taken[3]) != tracker.recognise(taken[0])

    def test_too_few_captures_say_what_was_missing(self) -> None:
        collector = collected(unit(1, 0))
        collector.add(Capture(None, Hint.COME_CLOSER))
        with pytest.raises(EnrolmentError, match=r"only 1 usable.*come closer \(1x\)"):
            collector.template("Anna")

    def test_an_outlier_is_left_out(self) -> None:
        same = [unit(1, 0.2 * n, 0) for n in range(5)]
        template = collected(*same, unit(0, 0, 1)).template("Anna")
        assert len(template.vectors) == 5
        assert abs(template.vectors[:, 2]).max() < 1e-6

    def test_one_picture_of_another_among_three_is_left_out(self) -> None:
        """All three were refused: the median of a match and none is their mean."""
        three = collected(unit(1, 0.2, 0), unit(1, 0.6, 0), unit(0, 0.2, 1))
        assert three.others() == [2]
        assert len(three.template("Anna", fewest=1).vectors) == 2
        with pytest.raises(EnrolmentError, match="of 3 captures only 2 show the same face"):
            three.template("Anna")
        with pytest.raises(EnrolmentError, match="of 2 captures most show no one face"):
            collected(unit(1, 0), unit(0, 1)).template("Anna", fewest=1)

    def test_two_people_are_refused(self) -> None:
        two = [unit(1, 0.2, 0), unit(1, 0.4, 0), unit(0, 0.2, 1), unit(0, 0.4, 1)]
        with pytest.raises(EnrolmentError, match="of 5 captures most show no one face"):
            collected(*two, unit(-1, 0, -0.1)).template("Anna")


class TestClaims:
    ANNA = Template("Anna", unit(1, 0).vector[None], MODEL)
    BO = Template("Bo", unit(0, 1).vector[None], MODEL)

    def names(self, mode: str, *templates: Template, claim: str | None = None) -> list[str] | None:
        claims = Claims(MatchSection.model_validate({"claim": mode}))
        if claim:
            claims.make(claim, templates, at=0.0)
        candidates = claims.candidates(templates, at=1.0)
        return None if candidates is None else [t.person for t in candidates]

    def test_who_competes(self) -> None:
        assert self.names("only-person", self.ANNA) == ["Anna"]
        assert self.names("only-person", self.ANNA, self.BO) is None
        assert self.names("required", self.ANNA) is None
        assert self.names("required", self.ANNA, self.BO, claim="anna") == ["Anna"]
        assert self.names("anyone", self.ANNA, self.BO) == ["Anna", "Bo"]
        assert self.names("anyone", self.ANNA, self.BO, claim="Bo") == ["Bo"]

    def test_a_claim_ends_by_time_and_by_use(self) -> None:
        claims = Claims(MatchSection(claim="required", claim_timeout_s=10))
        claims.make("Anna", [self.ANNA], at=0.0)
        assert claims.standing(9.9) == "Anna"
        assert claims.standing(10.1) is None
        claims.make("Anna", [self.ANNA], at=20.0)
        claims.used()
        assert claims.standing(20.0) is None

    def test_nobody_of_that_name(self) -> None:
        with pytest.raises(
            UsageError, match=r"nobody called 'X' is enrolled here\. Enrolled: Anna"
        ):
            Claims(MatchSection()).make("X", [self.ANNA], at=0.0)

    @pytest.mark.parametrize(("mode", "stands"), [("required", False), ("anyone", True)])
    def test_a_second_factor_is_not_given_by_link(self, mode: str, *, stands: bool) -> None:
        """Whoever has taken link, or may publish at its broker, holds nobody's card."""
        sight = Sight.__new__(Sight)
        sight._config = Config.model_validate({"match": {"claim": mode}})
        sight._claims = Claims(sight._config.match)
        sight._known = Known.__new__(Known)
        sight._known.gallery = Gallery((self.ANNA, self.BO), NOBODY)
        link, root = (Peer(1, uid) for uid in (os.geteuid() + 4711, 0))
        with nullcontext() if stands else pytest.raises(UsageError, match="at the door"):
            sight._answer(Claim("Anna"), link)
        assert (sight._claims.standing(time.monotonic()) == "Anna") is stands
        sight._answer(Claim("Anna"), root)
        assert sight._claims.standing(time.monotonic()) == "Anna"
