"""How well liveness tells people from pictures: labelled clips, and attacks made from them.

Every frame goes through the product's own `Pipeline`. Rates follow ISO/IEC 30107-3 in name (APCER,
BPCER), but attacks made by software and clips from the web are no evaluation after that standard.

How blinks are counted: a blink found matches a labelled one when the two overlap, labels widened by
3 frames on both sides; several that overlap one label are one hit. Neither hit nor false are blinks
that the clip's end cuts off and partial ones that the notes name. Everything else found is false,
and is counted over the time outside all of these, in clips that are labelled throughout.

A clip counts as accepted when liveness becomes LIVE on any of its frames, whatever it says later.
A film cannot answer a challenge: a genuine clip that is asked for more counts as challenged, not as
refused, since whoever is asked can answer; an attack that is asked for more has been stopped.
"""

from edge.evaluate.liveness.report import LivenessReport, Row, Trace
from edge.evaluate.liveness.run import REPLAYS, Plan, evaluate_liveness
from edge.evaluate.liveness.watch import fooled, sitter_of

__all__ = [
    "REPLAYS",
    "LivenessReport",
    "Plan",
    "Row",
    "Trace",
    "evaluate_liveness",
    "fooled",
    "sitter_of",
]
