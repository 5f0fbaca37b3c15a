"""A trajectory of a model with its decay rate as unit: state vectors of up to 26 spins, by qsim.

Twenty-five spins take a gigabyte and some seconds a step (`repro.references.gates.step`).
"""

from __future__ import annotations

import importlib.util
import math
from itertools import islice

import numpy as np

from repro.physics.lindblad import LindbladModel
from repro.physics.state_vector import product_state, site_averages
from repro.references.control_variates import fastest
from repro.references.gates.step import Step, trajectory
from repro.references.trajectory_steady_state import decay_unit
from repro.utils.errors import InputError

MAX_GATE_SITES = 26
"""A state vector in single precision is half a gigabyte, and four of them are needed."""
TIME_STEP, ON_A_SITE = 0.1, 16.0
"""The longest h (1/gamma), shorter where all terms on a site, of strength F in sum, exceed so many gamma: as F^(-3/2),
since an error of second order in h F adds up over the time."""
PACKAGE = "qsimcirq"


def installed() -> bool:
    """Whether the simulator is there."""
    return importlib.util.find_spec(PACKAGE) is not None


def check_installed() -> None:
    """Refuse where the simulator is not there.

    Raises:
        InputError: no qsim.
    """
    if not installed():
        raise InputError(f"trajectories of gates: no package {PACKAGE} (pip install 'repro-povm[gates]')")


def check_size(n_sites: int) -> None:
    """Refuse what no state vector holds.

    Raises:
        InputError: more than 26 sites.
    """
    if n_sites > MAX_GATE_SITES:
        raise InputError(f"trajectories of gates on {n_sites} sites: expected at most {MAX_GATE_SITES}")


def time_step(model: LindbladModel) -> float:
    """The longest h of a model in units of its largest decay rate (1/gamma)."""
    return TIME_STEP * min(1.0, ON_A_SITE / fastest(model)) ** 1.5


class Circuit:
    """A model's step, and what is measured along a trajectory.

    Args:
        model: any unit.
        initial_state: the Bloch direction of every spin, such as "up".
        t_end: time of a trajectory (1/gamma).
        halvings: how often the longest step is halved.

    Attributes:
        rate, model: gamma, and the model in units of it.
        end, halvings: as given.
        h, times: the step, and the times after each (1/gamma).

    Raises:
        InputError: more than 26 sites, a jump operator on two of them, none at all, or an unknown state.
    """

    def __init__(self, model: LindbladModel, initial_state: str, t_end: float, halvings: int = 0) -> None:
        check_size(model.lattice.n_sites)
        if any(len(jump.sites) > 1 and jump.acts for jump in model.jumps):
            raise InputError("trajectories of gates: a jump operator on two sites, expected one site each")
        self.rate, self.model = decay_unit(model)
        self.end, self.halvings = t_end, halvings
        self.h = time_step(self.model) / 2**halvings
        self.times = self.h * np.arange(math.ceil(t_end / self.h - 1e-9) + 1)
        self.start = product_state(initial_state, model.lattice.n_sites)

    def trajectory(self, seed: int) -> np.ndarray:
        """Site-averaged Paulis at all times, shape (times, 3)."""
        states = trajectory(Step(self.model, self.h), self.start, seed)
        later = [site_averages(psi) for psi in islice(states, len(self.times) - 1)]
        return np.array([site_averages(self.start), *later])
