"""How the programs talk to each other."""
