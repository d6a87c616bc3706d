"""Lines of Python: `extract_faces`, `represent`, `verify`, `find`, `analyze`, `stream`.

Names and arguments are those of deepface, results are frozen and typed, and their fields are keys
as well. Everything runs through the stages of the daemon: what this finds alike, the door finds
alike. Arrays that are given are BGR, as OpenCV has them; faces that are returned are RGB. Safe from
several threads, one of which works at a time.

Each file has the functions of one question: `looking` (what a picture shows), `comparing` (are two
one person), `searching` (who is it), `watching` (a camera). `calls` is what every call goes
through, and `reader` holds the stages.
"""

from edge.faces.comparing import verify
from edge.faces.looking import analyze, extract_faces, represent
from edge.faces.reader import FaceReader
from edge.faces.results import (
    Analysis,
    ExtractedFace,
    Found,
    Metric,
    Representation,
    Sighting,
    Verification,
    distance,
)
from edge.faces.searching import find
from edge.faces.watching import stream

__all__ = [
    "Analysis",
    "ExtractedFace",
    "FaceReader",
    "Found",
    "Metric",
    "Representation",
    "Sighting",
    "Verification",
    "analyze",
    "distance",
    "extract_faces",
    "find",
    "represent",
    "stream",
    "verify",
]
