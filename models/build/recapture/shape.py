"""What the recapture network is built of; TensorFlow and PyTorch both read it here."""

SIZE = 80
"""Side of each crop, pixels."""
SCALES = (1.5, 2.7, 4.0)
"""Sides of the crops in face boxes: the face, and the two scales of the teachers."""
LAYERS = ((3, 16, 2), (16, 32, 2), (32, 32, 1), (32, 64, 2), (64, 64, 1), (64, 96, 2), (96, 96, 1))
"""Channels in, channels out, stride; 3x3 kernels, each of stride 1 with a shortcut around it."""
CELLS = 25 * 96
"""Numbers that the last layer leaves of a crop."""
WIDTH = 64
"""Numbers that are kept of each crop before the sum."""
