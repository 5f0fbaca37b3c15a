"""Complete the table: samples first, then every fit that it does not have."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import torch

from benchmarks.ansatz_limit.fit import fit, negative_log_likelihood
from benchmarks.ansatz_limit.likelihood import EXACT, Budget
from benchmarks.ansatz_limit.problems import Problem
from benchmarks.ansatz_limit.product import ProductOfMarginals
from benchmarks.ansatz_limit.rows import Table, labels_of
from benchmarks.ansatz_limit.samples import Samples, samples_of, sizes_of
from benchmarks.ansatz_limit.trajectories import Say
from benchmarks.ansatz_limit.variants import POVMS, Variant, compared_with


@dataclass(frozen=True)
class Fits:
    """What is wanted: every variant of the ansatz fitted to every state.

    Attributes:
        problems: states.
        variants: ansaetze.
        trajectories: how many, and samples of each at a time.
        budget: of a fit.
        seed: of weights and minibatches.
    """

    problems: Sequence[Problem]
    variants: Sequence[Variant]
    trajectories: tuple[int, int]
    budget: Budget
    seed: int

    def labels(self, problem: Problem, variant: Variant) -> dict[str, Any]:
        """What tells the row of a fit from others."""
        return labels_of(problem, variant, sizes_of(problem, *self.trajectories), self.budget, self.seed)

    def missing(self, table: Table) -> list[tuple[Problem, Variant]]:
        """Fits that have no row, those of one lattice and coupling side by side.

        Raises:
            InputError: settings that do not go together, before anything is computed.
        """
        missing = []
        for problem in sorted(self.problems, key=lambda each: (each.n_sites, each.lattice, each.Jy, each.t)):
            for variant in self.variants:
                problem.point(variant.povm, self.seed, **variant.ansatz)
                if variant.images and problem.is_exact and self.budget.sums == EXACT:
                    continue  # the exact p is its own image: the same loss as without
                if not table.has(self.labels(problem, variant)):
                    missing.append((problem, variant))
        return missing


def complete(table: Table, wanted: Fits, runs: Path, say: Say) -> None:
    """Add what is missing.

    Args:
        table: rows that it has are not computed again.
        wanted: fits.
        runs: folder of runs.
        say: called with lines of progress.

    Raises:
        InputError: settings that do not go together, a folder that cannot be written.
    """
    for _, group in groupby(wanted.missing(table), key=lambda each: (each[0].lattice, each[0].Jy)):
        fits = tuple(group)
        states = tuple(dict.fromkeys(problem for problem, _ in fits))
        povms = tuple(dict.fromkeys((*POVMS, *(variant.povm for _, variant in fits))))
        samples = samples_of(states, povms, *wanted.trajectories, runs, say)
        for problem, variant in fits:
            _one(table, wanted, problem, variant, samples[problem, variant.povm], say)


def _one(table: Table, wanted: Fits, problem: Problem, variant: Variant, samples: Samples, say: Say) -> None:
    fitted = fit(problem, variant, samples, wanted.budget, wanted.seed, say)
    train_BN = torch.from_numpy(samples.train_GBN.reshape(-1, problem.n_sites))
    product_G = negative_log_likelihood(ProductOfMarginals(train_BN), samples.held_GBN)
    one = compared_with(variant)
    file = None if one is None else table.file(wanted.labels(problem, one), samples.key)
    table.add(wanted.labels(problem, variant), fitted, samples, product_G, file)
    row = table.rows[-1]
    exact = "" if samples.p is None else f", relative entropy {row['relative_entropy']:.4f}"
    gain = f"{row['gain']:.4f} ({row['gain_error']:.4f}) below the product"
    means = f"<sigma_z> {row['sigma_z']:.3f}, samples {row['sigma_z_samples']:.3f}"
    say(f"{problem.label}, {variant.name}: {row['nll']:.4f}, {gain}{exact}, {means}, {row['seconds']:.0f} s")
