"""Find a face, align it, judge its quality, make a vector of it."""
