"""What the fields of a point may be: the choices, the ranges, and what does not go together."""

from __future__ import annotations

import dataclasses
import math
from typing import TYPE_CHECKING

from repro.physics.povm import BLOCH_DIRECTIONS, POVMS
from repro.utils.errors import InputError, unknown
from repro.utils.validation import LARGEST, check_int, shorten

if TYPE_CHECKING:
    from repro.config.point import Point

PROFILES = ("smoke", "quick", "desk", "paper")
SHORT = {
    "variational": "var",
    "dynamics": "dyn",
    "variational+dynamics": "var+dyn",
    "projection": "proj",
    "collocation": "coll",
}
METHODS = tuple(SHORT)
BEYOND = ("projection", "collocation")
"""Methods that the paper does not have."""
EVOLVING = ("dynamics", *BEYOND)
"""Methods that evolve the initial product state."""
LATTICES = ("ring", "chain", "rectangle")
MODELS = ("heisenberg", "tfim")
ESTIMATORS = ("enumeration", "sampled", "naive")
DECAYS = ("step", "exponential", "cycle")
OBJECTIVES = ("paper", "interpolated", "sign")
SAMPLINGS = ("masked", "unmasked")
MOST_STEPS, LONGEST = 10**7, 1e5
"""Time steps and time (units 1/gamma) of an evolution end here."""

_CHOICES = {
    "profile": PROFILES,
    "lattice": LATTICES,
    "model": MODELS,
    "povm": tuple(POVMS),
    "initial": tuple(BLOCH_DIRECTIONS),
    "method": METHODS,
    "estimator": ESTIMATORS,
    "step_decay": DECAYS,
    "sampling": SAMPLINGS,
    "objective": OBJECTIVES,
}
_POSITIVE = (
    *("rows", "cols", "iterations", "learning_rate", "tau", "t_end"),
    *("step_iterations", "step_learning_rate", "dense_output", "reuse"),
)
_NOT_NEGATIVE = (
    *("n_samples", "gamma", "first_steps", "first_iterations"),
    *("seed", "step_factor", "step_at", "mixing", "mixing_time", "hilbert_schmidt"),
)
_FINITE = ("Jx", "Jy", "Jz", "B", "V", "g")


def check_values(point: Point) -> None:
    """Refuse fields outside their range, one by one.

    Raises:
        InputError: the first of them.
    """
    _check_choices(point)
    _check_numbers(point)


def _check_choices(point: Point) -> None:
    for name, known in _CHOICES.items():
        if getattr(point, name) not in known:
            raise unknown(name, str(getattr(point, name)), known)


def _check_numbers(point: Point) -> None:
    for names, above, expected in (
        (_POSITIVE, math.ulp(0.0), "a number above 0"),
        (_NOT_NEGATIVE, 0.0, "a number not below 0"),
        (_FINITE, -LARGEST, "a finite number"),
    ):
        for name in names:
            value = getattr(point, name)
            if not above <= value < math.inf:
                raise InputError(f"{name} = {shorten(value)}: expected {expected}")
    _check_limits(point)


def _check_limits(point: Point) -> None:
    for each in dataclasses.fields(point):
        value = getattr(point, each.name)
        if each.name == "seed":
            check_int("seed", value, 0, 2**63 - 1)
        elif each.type == "int":
            check_int(each.name, value)
        elif each.type == "float" and abs(value) > LARGEST:
            raise InputError(f"{each.name} = {shorten(value)}: expected a finite number")
    if point.t_end > LONGEST:
        raise InputError(f"t_end = {point.t_end}: expected at most {LONGEST:g}")
    if point.t_end / MOST_STEPS > 2 * point.tau:
        raise InputError(f"tau = {point.tau} with t_end = {point.t_end}: expected at most {MOST_STEPS} time steps")


def check_combinations(point: Point) -> None:
    """Refuse settings that are possible each, but not together.

    Raises:
        InputError: the first of them.
    """
    if point.estimator != "enumeration" and not point.n_samples:
        raise InputError(f"estimator {point.estimator} with n_samples = 0: expected the number of draws per iteration")
    if not point.gamma and not point.follows_exact_evolution:
        raise InputError(f"method {point.method} with gamma = 0: expected gamma above 0, or no steady state is unique")
    if point.step_at > 1:
        raise InputError(f"step_at = {point.step_at}: expected a part of the iterations, from 0 to 1")
    if point.mixing > 1:
        raise InputError(f"mixing = {point.mixing}: expected a weight from 0 to 1")
    expected = {"interpolated": "dynamics", "sign": "variational"}.get(point.objective, point.method)
    if point.method != expected:
        raise InputError(f"objective {point.objective} with method {point.method}: expected method {expected}")
    if point.method in BEYOND and (point.estimator == "naive" or point.sampling == "unmasked"):
        raise InputError(f"method {point.method}: expected estimator enumeration or sampled, and sampling masked")
    for name, plain in (("dense_output", 1), ("hilbert_schmidt", 0)):
        if getattr(point, name) > plain and not point.projects_exactly:
            raise InputError(
                f"{name} above {plain}: expected method projection with exact sums (enumeration, n_samples 0)"
            )
    if point.reuse > 1 and point.method != "collocation":
        raise InputError("reuse above 1: expected method collocation")
    if point.sampling == "unmasked" and (point.estimator != "enumeration" or not point.n_samples):
        raise InputError("sampling unmasked: expected estimator enumeration with n_samples of at least 1")
