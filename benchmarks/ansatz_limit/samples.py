"""Samples that are fitted and samples that are held out, made once and kept.

Array suffixes: G groups, B samples of a group, N sites. A group is a trajectory, or a thousand draws of a known p:
groups are independent, so that the spread of their means gives standard errors.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from pathlib import Path

import numpy as np
import torch

from benchmarks.ansatz_limit import trajectories
from benchmarks.ansatz_limit.outcomes import distribution, drawn
from benchmarks.ansatz_limit.problems import Problem
from repro.methods.propagation import propagate
from repro.physics.lindblad import PAULIS
from repro.physics.povm import POVMS
from repro.references import limits
from repro.references.cache import describe, key_of, numbers
from repro.utils.arrays import read_arrays, write_arrays
from repro.utils.errors import InputError
from repro.utils.files import check_writable
from repro.utils.names import PAULI_AVERAGES
from repro.utils.validation import check_int

GROUP = 1000
"""Draws of a group where p is known."""
EXACT_TRAINING, EXACT_HELD_OUT = 1000, 200
"""Groups where p is known."""
TAYLOR = 1e-10
"""Where the Taylor series of exp(t L) p(0) ends."""
EVERY = 5
"""Of the trajectories every fifth is held out."""


@dataclass(frozen=True)
class Samples:
    """Samples of a state in a POVM.

    Attributes:
        povm: its name.
        train_GBN: fitted, outcomes 0 to 3.
        held_GBN: held out, of other trajectories.
        p: the exact distribution, shape (4,) * N, None where it is not known.
        key: of the samples.
    """

    povm: str
    train_GBN: np.ndarray
    held_GBN: np.ndarray
    p: torch.Tensor | None
    key: str

    @property
    def entropy(self) -> float:
        """-sum_a p(a) log p(a), NaN where p is not known."""
        return math.nan if self.p is None else -float(torch.xlogy(self.p, self.p).sum())

    def pauli_means(self) -> dict[str, tuple[float, float]]:
        """Site-averaged Paulis of all samples, by name, with standard errors over groups."""
        every_GBN, found = np.concatenate([self.train_GBN, self.held_GBN]), {}
        for name, pauli in zip(PAULI_AVERAGES, PAULIS.values(), strict=True):
            mean_G = POVMS[self.povm]().observable(pauli)[every_GBN].mean((1, 2))
            found[name] = (float(mean_G.mean()), standard_error(mean_G))
        return found


def standard_error(value_G: np.ndarray) -> float:
    """Of the mean of independent numbers.

    Raises:
        InputError: fewer than two.
    """
    if len(value_G) < 2:
        raise InputError(f"{len(value_G)} groups of samples: expected at least two, or there is no standard error")
    return float(np.std(value_G, ddof=1) / math.sqrt(len(value_G)))


def sizes_of(problem: Problem, count: int, n: int) -> dict[str, int]:
    """How many groups and samples are fitted and held out, before there are any.

    Args:
        problem: the state.
        count: of trajectories.
        n: samples of a trajectory.

    Raises:
        InputError: too few trajectories to hold two out, or no samples.
    """
    if problem.is_exact:
        train, held, n = EXACT_TRAINING, EXACT_HELD_OUT, GROUP
    else:
        check_int("trajectories", count, 2 * EVERY)
        check_int("samples of a trajectory", n, 1)
        held = count // EVERY
        train = count - held
    groups = {"train_groups": train, "train_samples": train * n}
    return {**groups, "held_groups": held, "held_samples": held * n}


def samples_of(
    problems: Sequence[Problem], povms: Sequence[str], count: int, n: int, runs: Path, say: trajectories.Say
) -> dict[tuple[Problem, str], Samples]:
    """Samples of some states of one lattice and coupling, by problem and POVM.

    Args:
        problems: which.
        povms: names.
        count: of trajectories, every fifth held out; where p is known as many are drawn as are good.
        n: samples of a trajectory at a time.
        runs: folder of runs.
        say: called with lines of progress.

    Raises:
        InputError: as `sizes_of`, or a folder that cannot be written.
    """
    sizes_of(problems[0], count, n)
    asked = [(problem, povm) for problem in problems for povm in povms]
    if problems[0].is_exact:
        return {each: _exact(*each, runs, say) for each in asked}
    kept = trajectories.collect(problems, povms, count, n, runs, say)
    folder = trajectories.folder_of(problems[0], povms, n, runs)
    return {each: _of_trajectories(*each, kept, folder.name) for each in asked}


def _of_trajectories(problem: Problem, povm: str, kept: list[dict[str, np.ndarray]], key: str) -> Samples:
    """Every fifth trajectory is held out, whichever more there are."""
    name = trajectories.key(povm, problem.t)
    train = [each[name] for number, each in enumerate(kept, start=1) if number % EVERY]
    held = [each[name] for number, each in enumerate(kept, start=1) if not number % EVERY]
    return Samples(povm, np.stack(train), np.stack(held), None, f"{key}-{len(kept)}")


def exact(problem: Problem, povm: str) -> torch.Tensor:
    """p of a state, shape (4,) * N, double precision: exp(t L) p(0), or QuTiP's steady state."""
    point = problem.point(povm)
    if math.isinf(problem.t):
        _, rho = limits.steady_state(point.lindblad_model)
        return distribution(rho.full(), point.povm)
    start = reduce(np.multiply.outer, [point.povm.product_state(point.system.initial)] * problem.n_sites)
    return propagate(point.liouvillian, torch.from_numpy(start), problem.t, relative=TAYLOR)


def _exact(problem: Problem, povm: str, runs: Path, say: trajectories.Say) -> Samples:
    model = problem.point(povm).lindblad_model
    frame = numbers(POVMS[povm]().frame.reshape(8, 2))
    sizes = [EXACT_TRAINING, EXACT_HELD_OUT, GROUP]
    key = key_of(describe(model, "POVM samples", t=str(problem.t), frame=frame, groups=sizes))
    file = runs / trajectories.FOLDER / f"{key}.npz"
    kept = read_arrays(file)
    if kept is not None and {"train", "held", "p"} <= {*kept}:
        return Samples(povm, kept["train"], kept["held"], torch.from_numpy(kept["p"]), key)
    check_writable(file.parent)
    say(f"{problem.label}: exact distribution, {povm}")
    p = exact(problem, povm).clamp_min(0)
    p = p / p.sum()
    rng = np.random.default_rng(int(key, 16))
    draws_GBN = drawn(p.numpy(), sum(sizes[:2]) * GROUP, rng).reshape(-1, GROUP, problem.n_sites)
    train_GBN, held_GBN = np.split(draws_GBN, [EXACT_TRAINING])
    write_arrays(file, {"train": train_GBN, "held": held_GBN, "p": p.numpy()})
    return Samples(povm, train_GBN, held_GBN, p, key)
