"""Tests of the whole house, in folders that mirror its rooms."""

import os

# Before numpy: BLAS's threads wait for each other, and workers have the cores already.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
