"""A door where nothing stands in one person's way: what its judge is told beside a frame."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.access.judge import Circumstances
from edge.access.lockout import Lockout, LockoutRules
from edge.access.matcher import resembled_by_all
from edge.access.schedule import parse
from edge.moment import Moment
from edge.vision.calibrated import proof_similarity

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edge.access.calibration import Calibration
    from edge.records import Evidence, Template


def around(
    evidence: Evidence, templates: Sequence[Template], calibration: Calibration, rate: float
) -> Circumstances:
    """At the frame's own time, for whoever the one template is of."""
    least = proof_similarity(calibration, rate)
    return Circumstances(
        now=Moment("boot", evidence.captured_at, 0.0, wall_trusted=False),
        enrolled=1,
        claim=templates[0].person,
        claim_needed=False,
        door_ready=True,
        ledger_ready=True,
        lockout=Lockout(LockoutRules(5, 30.0, 900.0)),
        schedule=parse({}),
        alive=resembled_by_all(evidence.proof, templates, least),
    )
