"""How the files in models/ are made: `python -m models.build`."""
