"""Complete the table: samples first, then every fit that it does not have."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from pathlib import Path

import torch

from benchmarks.ansatz_limit.fit import fit, negative_log_likelihood
from benchmarks.ansatz_limit.likelihood import EXACT, Budget
from benchmarks.ansatz_limit.problems import Problem
from benchmarks.ansatz_limit.product import ProductOfMarginals
from benchmarks.ansatz_limit.rows import Table, labels_of
from benchmarks.ansatz_limit.samples import Samples, samples_of, sizes_of
from benchmarks.ansatz_limit.trajectories import Say
from benchmarks.ansatz_limit.variants import POVMS, Variant, compared_with


def complete(
    table: Table,
    problems: Sequence[Problem],
    variants: Sequence[Variant],
    trajectories: tuple[int, int],
    budget: Budget,
    seed: int,
    runs: Path,
    say: Say,
) -> None:
    """Add what is missing.

    Args:
        table: rows that it has are not computed again.
        problems: states.
        variants: ansaetze.
        trajectories: how many, and samples of each at a time.
        budget: of a fit.
        seed: of weights and minibatches.
        runs: folder of runs.
        say: called with lines of progress.

    Raises:
        InputError: settings that do not go together, a folder that cannot be written.
    """
    missing = _missing(table, problems, variants, trajectories, budget, seed)
    for _, group in groupby(missing, key=lambda each: (each[0].lattice, each[0].Jy)):
        fits = tuple(group)
        states = tuple(dict.fromkeys(problem for problem, _ in fits))
        povms = tuple(dict.fromkeys((*POVMS, *(variant.povm for _, variant in fits))))
        samples = samples_of(states, povms, *trajectories, runs, say)
        for problem, variant in fits:
            sizes = sizes_of(problem, *trajectories)
            _one(table, problem, variant, samples[problem, variant.povm], sizes, budget, seed, say)


def _missing(
    table: Table,
    problems: Sequence[Problem],
    variants: Sequence[Variant],
    trajectories: tuple[int, int],
    budget: Budget,
    seed: int,
) -> list[tuple[Problem, Variant]]:
    """Fits that have no row, those of one lattice and coupling side by side; refused before anything is computed."""
    missing = []
    for problem in sorted(problems, key=lambda each: (each.n_sites, each.lattice, each.Jy, each.t)):
        sizes = sizes_of(problem, *trajectories)
        for variant in variants:
            problem.point(variant.povm, seed, **variant.ansatz)
            if variant.images and problem.is_exact and budget.sums == EXACT:
                continue  # the exact p is its own image: the same loss as without
            if not table.has(labels_of(problem, variant, sizes, budget, seed)):
                missing.append((problem, variant))
    return missing


def _one(
    table: Table,
    problem: Problem,
    variant: Variant,
    samples: Samples,
    sizes: Mapping[str, int],
    budget: Budget,
    seed: int,
    say: Say,
) -> None:
    labels = labels_of(problem, variant, sizes, budget, seed)
    fitted = fit(problem, variant, samples, budget, seed, say)
    train_BN = torch.from_numpy(samples.train_GBN.reshape(-1, problem.n_sites))
    product_G = negative_log_likelihood(ProductOfMarginals(train_BN), samples.held_GBN)
    one = compared_with(variant)
    file = None if one is None else table.file(labels_of(problem, one, sizes, budget, seed), samples.key)
    table.add(labels, fitted, samples, product_G, file)
    row = table.rows[-1]
    exact = "" if samples.p is None else f", relative entropy {row['relative_entropy']:.4f}"
    gain = f"{row['gain']:.4f} ({row['gain_error']:.4f}) below the product"
    means = f"<sigma_z> {row['sigma_z']:.3f}, samples {row['sigma_z_samples']:.3f}"
    say(f"{problem.label}, {variant.name}: {row['nll']:.4f}, {gain}{exact}, {means}, {row['seconds']:.0f} s")
