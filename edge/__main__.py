"""`python -m edge` is `edge-door`."""

from edge.cli import main

if __name__ == "__main__":
    main()
