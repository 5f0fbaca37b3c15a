"""The likelihood as a loss, and Adam on it, the rate over one cycle.

Tensor suffixes: B samples, N sites.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

import torch

from benchmarks.ansatz_limit.trajectories import Say
from repro.ansatz.string_mixture import StringMixture, floored_log
from repro.methods.build import seeded_generator
from repro.methods.module import ADAM
from repro.utils.errors import InputError, unknown
from repro.utils.validation import check_float, check_int

RISE = 0.1
"""Part of the iterations over which the rate grows."""
TOLD = 30.0
"""Seconds between two lines of progress."""
EXACT, SAMPLES = "exact", "samples"
"""What a loss is summed over."""

Loss = Callable[[], torch.Tensor]


@dataclass(frozen=True)
class Budget:
    """What a fit may take.

    Attributes:
        iterations: of Adam.
        batch: samples of a minibatch.
        rate: the highest of the cycle.
        sums: "exact" where p is known, "samples" everywhere.

    Raises:
        InputError: fewer than two iterations, an empty minibatch, a rate not above 0, unknown sums.
    """

    iterations: int = 500
    batch: int = 2048
    rate: float = 1e-2
    sums: str = EXACT

    def __post_init__(self) -> None:
        if self.sums not in (EXACT, SAMPLES):
            raise unknown("sums", self.sums, (EXACT, SAMPLES))
        check_int("iterations", self.iterations, 2)
        check_int("batch", self.batch, 1)
        if not check_float("rate", self.rate) > 0:
            raise InputError(f"rate = {self.rate:g}: expected a number above 0")


def exact_loss(model: StringMixture, p: torch.Tensor) -> Loss:
    """-sum_a p(a) log q(a) over all configurations, p of shape (4,) * N."""
    return lambda: -(p.to(torch.float32) * floored_log(model.all_probs())).sum()


def sampled_loss(
    model: StringMixture, train_BN: torch.Tensor, images: torch.Tensor | None, batch: int, seed: int
) -> Loss:
    """-1/B sum log q(a) over a fresh minibatch at every call, drawn with replacement.

    Args:
        model: q.
        train_BN: outcomes 0 to 3.
        images: permutations of the sites, shape (images, N): each sample is seen through a random one.
        batch: B.
        seed: of the minibatches.
    """
    generator = seeded_generator(torch.device("cpu"), seed, 26)

    def loss() -> torch.Tensor:
        batch_BN = train_BN[torch.randint(len(train_BN), (batch,), generator=generator)].long()
        if images is not None:
            batch_BN = batch_BN.gather(1, images[torch.randint(len(images), (batch,), generator=generator)])
        return -model.log_prob(batch_BN).mean()

    return loss


def maximise(model: StringMixture, loss: Loss, budget: Budget, say: Say) -> None:
    """Adam on a loss.

    Args:
        model: fitted in place.
        loss: called once an iteration.
        budget: iterations and rate.
        say: called with lines of progress.

    Raises:
        InputError: a likelihood that is no number.
    """
    optimiser = torch.optim.Adam(model.parameters(), lr=budget.rate, **ADAM)  # type: ignore[arg-type]
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, budget.rate, total_steps=budget.iterations, pct_start=RISE, cycle_momentum=False
    )
    told = time.perf_counter()
    for iteration in range(budget.iterations):
        value = loss()
        if not math.isfinite(now := value.item()):
            raise InputError(
                f"fit: likelihood {now} at iteration {iteration}, expected a lower rate than {budget.rate:g}"
            )
        optimiser.zero_grad()
        value.backward()
        optimiser.step()
        schedule.step()
        if time.perf_counter() - told > TOLD:
            told = time.perf_counter()
            say(f"{iteration + 1} of {budget.iterations} iterations, {now:.4f}")
