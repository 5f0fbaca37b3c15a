"""Informationally complete POVMs of one spin with four outcomes, and what they make of states and observables.

    p(a) = Tr(rho M_(a)),   rho = sum_b p(b) N^(b),   N^(b) = sum_a M_(a) T^-1_ab,   T_ab = Tr(M_(a) M_(b))

The frame of N spins is the tensor product of single-spin frames.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np

from repro.physics.lindblad import IDENTITY, SIGMA_X, SIGMA_Y, SIGMA_Z
from repro.utils.errors import InputError, unknown
from repro.utils.validation import check_float, check_matrix, is_hermitian, read_only, shorten

BLOCH_DIRECTIONS: dict[str, tuple[float, float, float]] = {
    "up": (0, 0, 1),
    "down": (0, 0, -1),
    "plus": (1, 0, 0),
    "minus": (-1, 0, 0),
    "right": (0, 1, 0),
    "left": (0, -1, 0),
}

BlochState = str | Sequence[float] | np.ndarray
"""One spin: a name of BLOCH_DIRECTIONS, or a Bloch vector of length at most one."""

CUBIC = "tetrahedral-cubic"
"""The POVM whose outcomes rotations by pi about x, y and z permute."""

LARGEST_CONDITION, SINGULAR = 1e3, 1e8
"""Of the overlap matrix (3 of the tetrahedron, 13 of the 4-Pauli): a string on k sites multiplies rounding by its
dual frame's size to the power of k."""
# A product state can make an outcome impossible (4-Pauli: M_1 on |down>); its log needs a floor. 1e-6 moves every
# Pauli expectation by less than 1e-5 and keeps the start well inside float32.
PROBABILITY_FLOOR = 1e-6


def bloch_operator(direction: tuple[float, float, float]) -> np.ndarray:
    """v . sigma for a direction v, a 2x2 matrix."""
    x, y, z = direction
    return x * SIGMA_X + y * SIGMA_Y + z * SIGMA_Z


def bloch_vector(state: BlochState) -> tuple[float, float, float]:
    """The Bloch vector of one spin from its name, such as "up", or from itself.

    Raises:
        InputError: an unknown name, or no three numbers of length at most one.
    """
    if isinstance(state, tuple | list | np.ndarray):
        if len(state) != 3:
            raise InputError(f"Bloch vector {shorten(state)}: expected three numbers")
        x, y, z = (check_float("Bloch vector", component) for component in state)
        if x * x + y * y + z * z > 1 + 1e-9:
            raise InputError(f"Bloch vector {shorten(state)}: expected a length of at most 1")
        return x, y, z
    if not isinstance(state, str) or state not in BLOCH_DIRECTIONS:
        raise unknown("product state", state, BLOCH_DIRECTIONS)
    return BLOCH_DIRECTIONS[state]


def product_state_density(state: BlochState) -> np.ndarray:
    """Single-spin density matrix (1 + v . sigma) / 2 of a Bloch vector v or its name, a 2x2 matrix."""
    return (IDENTITY + bloch_operator(bloch_vector(state))) / 2


class Povm:
    """One-spin IC-POVM: a value that nothing changes, equal to one of the same frame and name.

    Args:
        frame: (4, 2, 2) positive semi-definite matrices M_(a) that sum to one.
        name: how tables call it.

    Raises:
        InputError: not four 2x2 matrices, not positive, not summing to one, or not informationally complete.
    """

    def __init__(self, frame: np.ndarray, name: str = "custom") -> None:
        self._name, self._frame = name, check_matrix(f"POVM '{name}'", frame)
        if self.frame.shape != (4, 2, 2):
            raise InputError(f"POVM '{name}': frame of shape {self.frame.shape}, expected (4, 2, 2)")
        if not is_hermitian(self.frame):
            raise InputError(f"POVM '{name}': a frame element is not Hermitian")
        if np.linalg.eigvalsh(self.frame).min() < -1e-12:
            raise InputError(f"POVM '{name}': a frame element is not positive semi-definite")
        if not np.allclose(self.frame.sum(0), IDENTITY, atol=1e-12):
            raise InputError(f"POVM '{name}': the frame does not sum to the identity")
        condition = np.linalg.cond(self.overlap)
        if condition > SINGULAR:
            raise InputError(f"POVM '{name}': not informationally complete (singular overlap matrix)")
        if condition > LARGEST_CONDITION:
            raise InputError(
                f"POVM '{name}': the overlap matrix has condition number {condition:.3g}, expected at most "
                f"{LARGEST_CONDITION:g}: single precision, in which networks compute, does not hold its states"
            )

    @property
    def name(self) -> str:
        """How tables call it."""
        return self._name

    @property
    def frame(self) -> np.ndarray:
        """M_(a), shape (4, 2, 2)."""
        return self._frame

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Povm) and (self.name, self.frame.tobytes()) == (other.name, other.frame.tobytes())

    def __hash__(self) -> int:
        return hash((self.name, self.frame.tobytes()))

    @cached_property
    def overlap(self) -> np.ndarray:
        """Overlap matrix T_ab = Tr(M_(a) M_(b)), shape (4, 4)."""
        return read_only(np.einsum("aij,bji->ab", self.frame, self.frame).real.copy())

    @cached_property
    def dual_frame(self) -> np.ndarray:
        """Dual frame N^(b) = sum_a M_(a) T^-1_ab, shape (4, 2, 2)."""
        return read_only(np.einsum("aij,ab->bij", self.frame, np.linalg.inv(self.overlap)))

    def product_state(self, state: BlochState) -> np.ndarray:
        """Outcome probabilities Tr(rho M_(a)) of one spin, shape (4,)."""
        return np.einsum("ij,aji->a", product_state_density(state), self.frame).real

    def product_state_bias(self, state: BlochState) -> np.ndarray:
        """log Tr(rho M_(a)), floored at log(PROBABILITY_FLOOR): the last layer's bias (S VI), shape (4,)."""
        return np.log(np.maximum(self.product_state(state), PROBABILITY_FLOOR))

    def observable(self, operator: np.ndarray) -> np.ndarray:
        """Coefficients Tr(O N^(b)) of a one-spin observable: <O> = sum_b p(b) Tr(O N^(b)), shape (4,).

        Raises:
            InputError: not a Hermitian 2x2 matrix.
        """
        checked = check_matrix("observable", operator)
        if checked.shape != (2, 2):
            raise InputError(f"observable of shape {checked.shape}: expected (2, 2), an operator on one spin")
        if not is_hermitian(checked):
            raise InputError("observable: not Hermitian")
        return np.einsum("ij,bji->b", checked, self.dual_frame).real


def tetrahedral() -> Povm:
    """Tetrahedral POVM M_(a) = (1 + v_(a) . sigma) / 4 (Eqs. S8-S12)."""
    directions = [
        (0, 0, 1),
        (2 * np.sqrt(2) / 3, 0, -1 / 3),
        (-np.sqrt(2) / 3, np.sqrt(6) / 3, -1 / 3),
        (-np.sqrt(2) / 3, -np.sqrt(6) / 3, -1 / 3),
    ]
    return Povm(np.stack([(IDENTITY + bloch_operator(v)) / 4 for v in directions]), "tetrahedral")


def pauli4() -> Povm:
    """4-Pauli POVM: a third of the projectors on |0>, |+>, |r>, and the rest (Eqs. S13-S16)."""
    projectors = [product_state_density(state) / 3 for state in ("up", "plus", "right")]
    return Povm(np.stack([*projectors, IDENTITY - sum(projectors)]), "pauli4")


def tetrahedral_cubic() -> Povm:
    """Tetrahedral POVM towards alternate corners of a cube: a rotation by pi about x, y or z permutes its outcomes."""
    corners = [(1, 1, 1), (1, -1, -1), (-1, 1, -1), (-1, -1, 1)]
    return Povm(np.stack([(IDENTITY + bloch_operator(v) / np.sqrt(3)) / 4 for v in corners]), CUBIC)


POVMS = {"tetrahedral": tetrahedral, "pauli4": pauli4, CUBIC: tetrahedral_cubic}
