"""An informationally complete POVM that is neither of the two built in: unequal weights, mixed elements."""

from __future__ import annotations

import numpy as np

from repro.physics.lindblad import IDENTITY
from repro.physics.povm import bloch_operator


def _tilted() -> np.ndarray:
    parts = [(0.2, (0.9, 0.1, 0.0)), (0.15, (0.0, 0.8, 0.3)), (0.2, (-0.1, 0.0, 0.9))]
    elements = [weight * (IDENTITY + bloch_operator(direction)) for weight, direction in parts]
    return np.stack([*elements, IDENTITY - sum(elements)])


TILTED = _tilted()
