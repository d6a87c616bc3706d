"""What the eyelid network is built of; TensorFlow and PyTorch both read it here."""

SIZE = 48
"""Side of the crop of an eye, pixels."""
SCALE = 1.8
"""Side of the crop, in distances between the eye's corners."""
LAYERS = ((3, 16, 2), (16, 32, 2), (32, 32, 1), (32, 48, 2), (48, 48, 1), (48, 64, 2))
"""Channels in, channels out, stride; 3x3 kernels, each of stride 1 with a shortcut around it."""
CELLS = 3 * 3 * 64
"""Numbers that the last layer leaves of an eye."""
WIDTH = 64
"""Numbers that are kept of an eye before the two answers."""
USUAL, SHUT = 0.3, 0.1
"""What the two answers are weighed by while it learns, so that both are lid levels, as the blink
detector takes them: shares of a usual opening, and tenths of log-odds."""
KEPT, KEPT_SCALE = 64, 2.4
"""The same of what is gathered: with something around it, and as many pixels an eye."""
PATCH = 1.5
"""Side of the patches of Closed Eyes in the Wild, and of those the shut-eye network sees."""
