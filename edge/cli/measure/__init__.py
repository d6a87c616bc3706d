"""How good it is, and the networks that decide it."""
