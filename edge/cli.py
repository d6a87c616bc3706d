"""Every command a person types."""


def main() -> None:
    """Entry point of `edge-door`."""
