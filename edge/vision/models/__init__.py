"""Which networks there are, and the one door to the runtime that computes them."""
