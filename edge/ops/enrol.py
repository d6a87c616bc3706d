"""Enrolment from files or from the door's camera, up to the vault and the ledger."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from edge.access.lookalikes import alike, resembled
from edge.errors import EdgeDoorError, EnrolmentError, UsageError, VaultError
from edge.names import folded, listed, proper_name
from edge.ops.borrowed import borrowed_camera
from edge.ops.note import recorded_in
from edge.ops.pictures import Gathered, Refused, Sources, gather
from edge.records import Hint, LivenessState, Reason
from edge.vault.vault import open_vault
from edge.vision.calibrated import renewed_similarity, threshold
from edge.vision.enrolment import FEWEST, WANTED, Collector, capture
from edge.vision.pipeline import Pipeline

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from edge.config import Config
    from edge.ops.pictures import Progress
    from edge.records import Embedding, Frame, Template
    from edge.vault.vault import Vault
    from edge.vision.stages import Stages

CAMERA_TIMEOUT_S = 60.0


@dataclass(frozen=True, slots=True)
class Consent:
    """What was decided knowingly about a person to be enrolled."""

    replace: bool = False
    """Renew the template of who has that name already."""
    lookalikes: tuple[str, ...] = ()
    """People whom this face resembles, and who are others all the same."""
    reason: str = ""
    """Why they are, or why the new template shows another face than the old, for the ledger."""


@dataclass(frozen=True, slots=True)
class Enrolled:
    """What came of one person's files."""

    name: str
    captures: int
    """0: not enrolled, and `problem` says why."""
    refused: tuple[Refused, ...] = ()
    problem: str = ""

    @property
    def warning(self) -> str:
        """What to know about a template that will do, but not well; empty for a good one."""
        if not 0 < self.captures < FEWEST:
            return ""
        return f"With {FEWEST} or more different pictures they would be turned away less often."


def enrol_files(
    config: Config,
    stages: Stages,
    name: str,
    sources: Sources,
    keep: Callable[[Template], object],
    progress: Progress,
) -> Enrolled:
    """Enrol one person from pictures and films; the good ones are taken, the others named.

    `keep` puts the template where it belongs (such as `save`), or raises why not.
    """
    refused: list[Refused] = []
    try:
        name = proper_name(name)
        gathered = gather(config, stages, sources, progress)
        refused = gathered.refused
        template = template_of(gathered, name)
        keep(template)
    except EdgeDoorError as error:
        return Enrolled(name, 0, tuple(refused), str(error))
    return Enrolled(name, len(template.vectors), tuple(refused))


def template_of(gathered: Gathered, name: str) -> Template:
    """One template of what files gave.

    Raises:
        EnrolmentError: they gave nothing, or faces of several people.
    """
    if not gathered.collector.embeddings:
        raise EnrolmentError("none of the pictures can be used")
    template = gathered.collector.template(name, fewest=1)
    gathered.leave_out_others()
    return template


def collect_from_camera(
    config: Config,
    stages: Stages,
    progress: Progress,
    look: Callable[[Frame], None] = lambda _frame: None,
) -> Collector:
    """Captures of whoever stands there; they count only once the person has shown life.

    `look` gets every frame, to show it.

    Raises:
        CameraError: there is no camera, or it ends.
        WireError: sight runs and does not lend it.
        EnrolmentError: nobody showed life in a minute.
    """
    # Who sits before `progress` reads what a challenge asks, whatever the door can say.
    needed = threshold(config)
    pipeline, collector = Pipeline(stages, config, asks=True), Collector(needed)
    proof: tuple[Embedding, ...] = ()
    seen, after = "", 0
    deadline = time.monotonic() + CAMERA_TIMEOUT_S
    with borrowed_camera(config) as camera:
        while len(collector.embeddings) < WANTED and time.monotonic() < deadline:
            frame = camera.newest(after, timeout_s=1.0)
            if frame is None:
                continue
            after = frame.sequence
            look(frame)
            if not proof:
                evidence = pipeline.step(frame)
                shown = evidence.liveness
                seen = shown.seen or seen
                proof = evidence.proof if shown.state is LivenessState.LIVE else ()
            if not proof:
                hint = shown.instruction or Hint.BLINK.value
                progress("look at the camera", len(collector.embeddings), hint)
                continue
            taken = capture(frame, pipeline, stages)
            if taken.embedding is not None and not _is_of(taken.embedding, proof, needed):
                proof = ()  # another face is there now: it has to show life as well
                pipeline.ask_again()
                continue
            collector.add(taken)
            hint = taken.hint.value or "turn your head a little"
            progress("captures", len(collector.embeddings), hint)
    if not collector.embeddings and not proof:
        why = f" (last: {seen})" if seen else ""
        raise EnrolmentError(
            f"no sign of life was seen in a minute{why}, so nobody was enrolled. Try again."
        )
    return collector


def _is_of(face: Embedding, proof: tuple[Embedding, ...], needed: float) -> bool:
    """Whether a capture shows whoever was compared while they proved to be alive."""
    return any(float(face.vector @ seen.vector) >= needed for seen in proof)


def save(config: Config, template: Template, consent: Consent | None = None) -> None:
    """Put a template into the vault and the fact into the ledger.

    Raises:
        UsageError: this name is enrolled already, and `consent` does not say that it is meant.
        EnrolmentError: this face resembles somebody's, or not whose it is to be, and it does not
            say that either.
        VaultError: the vault cannot be opened or written.
        LedgerError: the ledger cannot be written; nothing was changed unless the text says so.
    """
    consent = consent or Consent()
    name = proper_name(template.person)
    with open_vault(config) as vault:
        known = _is_known(vault, name, consent)
        name = vault.spelt(name) if known else name
        turned = replace(template, vectors=vault.rotation(template.vectors))
        others = vault.templates(template.model)
        before = [one for one in others if one.person == name]
        refuse_another(config, turned, before, consent)
        near = resembled(turned, others, threshold(config))
        refuse_lookalikes(name, near, consent, threshold(config))
        detail: dict[str, str | float] = {"captures": len(template.vectors)}
        if near:
            detail["lookalikes"] = listed(near)
        if consent.reason:
            detail["why"] = consent.reason
        with recorded_in(config, vault, Reason.ENROLLED, name, **detail):
            (vault.replace if known else vault.add)(template)


def require_free(config: Config, name: str, consent: Consent) -> None:
    """See that a template under this name can be kept here, before one is made.

    Raises:
        UsageError: the name is taken, and `consent` does not say that it is meant.
        VaultError: the vault cannot be opened or written.
    """
    if config.people_db.exists():  # else whatever fails would leave a state behind
        with open_vault(config) as vault:
            _is_known(vault, name, consent)
        return
    state = config.paths.state
    there = next(place for place in (state, *state.absolute().parents) if place.exists())
    if not os.access(there, os.W_OK):
        raise VaultError(f"{state} cannot be written: nobody can be enrolled there. Use sudo.")


def _is_known(vault: Vault, name: str, consent: Consent) -> bool:
    """Whether that is somebody whose template is to be renewed."""
    vault.members.refuse(name)
    known = any(folded(person.name) == folded(name) for person in vault.people())
    if known and not consent.replace:
        raise UsageError(
            f"{name} is enrolled already. With --replace, the new template takes the place of "
            "the old one; somebody else needs another name."
        )
    return known


def refuse_another(
    config: Config, template: Template, before: Sequence[Template], consent: Consent
) -> None:
    """See that a renewed template shows whoever the one before does, unless another is meant.

    Whoever mistook a file for another would give somebody else that person's rights, unseen.

    Raises:
        EnrolmentError: it does not, and `consent` gives no reason.
    """
    needed = renewed_similarity(config)
    for old in before:
        similarity = float(alike([template], [old])[0, 0])
        if similarity < needed and not consent.reason:
            raise EnrolmentError(
                f"these pictures hardly show who was enrolled as {old.person} before: they come to "
                f"{similarity:.3f}, and one person's to {needed:.3f} and much more. If the earlier "
                "ones were somebody else's, or very old, say so: --replace --reason '...'"
            )


def refuse_lookalikes(
    name: str, near: Mapping[str, float], consent: Consent, needed: float
) -> None:
    """See that nobody resembles somebody without its being said.

    Raises:
        EnrolmentError: this face does, and `consent` does not name the other.
    """
    accepted = set(map(folded, consent.lookalikes))
    unexpected = [other for other in near if folded(other) not in accepted]
    if not unexpected:
        return
    figures = ", ".join(f"{other} ({near[other]:.3f})" for other in unexpected)
    options = " ".join(f"--lookalike {other!r}" for other in near)
    raise EnrolmentError(
        f"the face of {name} resembles that of {figures}, from {needed:.3f} on one person. If it "
        f"is {unexpected[0]} again, enrol it under that name with --replace. If they are two "
        "people (siblings, twins, or chance), say so: "
        f"{options} --reason '...'. Both must then come nearer to their own pictures than the "
        "other does; a card or a PIN as well (claim = 'required') tells them apart better"
    )
