"""Maximum-likelihood fits by Adam, the rate over one cycle.

Where p is known the loss is -sum_a p(a) log q(a) over all configurations: no noise, and on nine sites no dearer than
a minibatch. Elsewhere, or where samples are asked for, it is -1/B sum log q(a) over minibatches of them.

Tensor suffixes: G groups, B samples, N sites, K outcomes (4).
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch

from benchmarks.ansatz_limit.likelihood import EXACT, SAMPLES, Budget, exact_loss, maximise, sampled_loss
from benchmarks.ansatz_limit.problems import Problem
from benchmarks.ansatz_limit.product import ProductOfMarginals
from benchmarks.ansatz_limit.samples import Samples, standard_error
from benchmarks.ansatz_limit.trajectories import Say
from benchmarks.ansatz_limit.variants import Variant
from repro.ansatz.string_mixture import StringMixture, floored_log
from repro.ansatz.strings import symmetries
from repro.methods.build import build_ansatz, seeded_generator
from repro.methods.exact_distance import relative_entropy
from repro.physics.pauli_means import pauli_means, sampled_pauli_means

AT_ONCE = 4096
"""Samples that are evaluated at once."""
MEASURED = 50_000
"""Samples of a fit that its Paulis are measured on where it cannot be enumerated."""


class Distribution(Protocol):
    """What is evaluated."""

    def log_prob(self, samples_BN: torch.Tensor) -> torch.Tensor:
        """log p(a), shape (B,)."""
        ...

    def sample(self, n: int, generator: torch.Generator | None = None) -> torch.Tensor:
        """Configurations, shape (n, N)."""
        ...

    def all_probs(self) -> torch.Tensor:
        """p of every configuration, shape (4,) * N."""
        ...


@dataclass(frozen=True)
class Fitted:
    """A fit and what it says of samples.

    Attributes:
        model: the distribution.
        n_parameters: free numbers.
        seconds: CPU time of the fit.
        nll_G: -log p(a), means over the groups that were held out.
        train_nll: the same over as many groups that were fitted.
        relative_entropy: of the exact p with respect to it, NaN where that is not known.
        paulis: name -> (mean, standard error).
    """

    model: Distribution
    n_parameters: int
    seconds: float
    nll_G: np.ndarray
    train_nll: float
    relative_entropy: float
    paulis: dict[str, tuple[float, float]]


def fit(problem: Problem, variant: Variant, samples: Samples, budget: Budget, seed: int, say: Say) -> Fitted:
    """Fit an ansatz to samples and evaluate it on those that were held out.

    Args:
        problem: the state.
        variant: the ansatz.
        samples: of the state, in the variant's POVM.
        budget: of the fit.
        seed: of weights and minibatches.
        say: called with lines of progress.

    Raises:
        InputError: settings that do not exist or do not go together, images on a lattice without symmetries, or a
            likelihood that is no number.
    """
    train_BN = torch.from_numpy(samples.train_GBN.reshape(-1, problem.n_sites))
    began = time.process_time()
    if variant.product:
        product = ProductOfMarginals(train_BN)
        return _evaluated(problem, product, product.n_parameters, time.process_time() - began, samples, seed)
    point = problem.point(samples.povm, seed, **variant.ansatz)
    model = build_ansatz(point)
    _start_from(model, train_BN)
    if sums_of(problem, variant, budget) == EXACT:
        assert samples.p is not None
        loss = exact_loss(model, samples.p)
    else:
        images = torch.tensor(symmetries(point.lattice)) if variant.images else None
        loss = sampled_loss(model, train_BN, images, budget.batch, seed)
    maximise(model, loss, budget, lambda text: say(f"{problem.label}, {variant.name}: {text}"))
    seconds = time.process_time() - began
    return _evaluated(problem, model, sum(x.numel() for x in model.parameters()), seconds, samples, seed)


@torch.no_grad()
def _start_from(model: StringMixture, samples_BN: torch.Tensor) -> None:
    """Start from the product of the marginals that are averaged over the sites."""
    frequency_K = torch.bincount(samples_BN.flatten(), minlength=4).double() / samples_BN.numel()
    model.transformer.readout.bias.copy_(floored_log(frequency_K))


def sums_of(problem: Problem, variant: Variant, budget: Budget) -> str:
    """What the loss of a fit is summed over; images are of samples."""
    return EXACT if problem.is_exact and budget.sums == EXACT and not variant.images else SAMPLES


@torch.no_grad()
def _evaluated(
    problem: Problem, model: Distribution, n_parameters: int, seconds: float, samples: Samples, seed: int
) -> Fitted:
    some_GBN = samples.train_GBN[: len(samples.held_GBN)]
    point, distance = problem.point(samples.povm), math.nan
    if samples.p is not None:
        q = model.all_probs()
        distance, exactly = relative_entropy(samples.p, q), pauli_means(q, point.povm)
        paulis = {name: (mean, 0.0) for name, mean in exactly.items()}
    else:
        drawn_BN = model.sample(MEASURED, seeded_generator(torch.device("cpu"), seed, 27))
        paulis = sampled_pauli_means(drawn_BN, point.povm)
    train_nll = float(negative_log_likelihood(model, some_GBN).mean())
    nll_G = negative_log_likelihood(model, samples.held_GBN)
    return Fitted(model, n_parameters, seconds, nll_G, train_nll, distance, paulis)


@torch.no_grad()
def negative_log_likelihood(model: Distribution, samples_GBN: np.ndarray) -> np.ndarray:
    """-log p(a), mean of every group, shape (G,)."""
    G, B, N = samples_GBN.shape
    every_BN = torch.from_numpy(samples_GBN.reshape(G * B, N)).long()
    log_B = torch.cat([model.log_prob(part_BN).double() for part_BN in every_BN.split(AT_ONCE)])
    return -log_B.view(G, B).mean(1).numpy()


def paired(reference_G: np.ndarray, nll_G: np.ndarray) -> tuple[float, float]:
    """How much lower a likelihood's negative logarithm is than a reference's on the same groups, and its error."""
    return float((reference_G - nll_G).mean()), standard_error(reference_G - nll_G)
