"""Names of observables that tables of every room share."""

from __future__ import annotations

PAULI_AVERAGES = ("sigma_x", "sigma_y", "sigma_z")
"""Site averages of the Pauli matrices."""
SCORED = "scored_"
"""Before the means that p has, where those of unmasked samples stand beside them: a state of its own."""
