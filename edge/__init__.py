"""edge-door: a face opens a door, offline, on a small Linux board.

In Python: `from edge import extract_faces, represent, verify, find, analyze, stream`.
"""

from importlib import import_module

TYPE_CHECKING = False  # typing's: its import takes as long as all else before Ctrl-C is heard
if TYPE_CHECKING:
    from edge.faces import analyze, extract_faces, find, represent, stream, verify

__version__ = "0.1.0"
__all__ = ["__version__", "analyze", "extract_faces", "find", "represent", "stream", "verify"]


def __getattr__(name: str) -> object:
    """Load the stages when somebody asks: the relay guard imports this package, not numpy."""
    if name in __all__:
        return getattr(import_module("edge.faces"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    """The functions too, before they are loaded."""
    return sorted({*globals(), *__all__})
