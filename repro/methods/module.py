"""What the Lightning modules of all methods share: a distribution, its estimator, and the history of what was measured.

Glue only. Everything that a resumed run needs is in the checkpoint at the end of an epoch.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytorch_lightning as pl
import torch

from repro.ansatz.replay import Recorder, Replayed
from repro.ansatz.unmasked_sampling import unmasked_sample
from repro.config.point import Point
from repro.methods import losses, sanity
from repro.methods.build import build_ansatz, build_estimator, seeded_generator
from repro.methods.estimators import Enumeration
from repro.physics.density import MAX_SITES, SMALLEST_EIGENVALUE, smallest_eigenvalue
from repro.physics.observables import exact_values, sampled_values
from repro.physics.pauli_means import pauli_means, sampled_pauli_means
from repro.utils.names import SCORED

ADAM = {"betas": (0.9, 0.98), "eps": 1e-9, "fused": True}
OBSERVABLE_SAMPLES = 20_000


class PointModule(pl.LightningModule):
    """Base of all methods: the distribution, its estimator, and the history of what was measured.

    Attributes:
        history: one row per epoch: t or iteration, loss, residual, Pauli means and errors, the smallest eigenvalue of
            rho where all configurations of few sites are enumerated, seconds so far.
        record: how to record iterations that repeat themselves (`repro.ansatz.replay`); None: each is evaluated.
    """

    record: Recorder | None = None

    def __init__(self, point: Point, memory: int | None = None) -> None:
        super().__init__()
        self.point, self.memory = point, memory
        self.model = build_ansatz(point)
        self.estimator = build_estimator(point, memory)
        self.history: list[dict[str, float]] = []
        self.seconds_before = 0.0
        self._started = time.perf_counter()
        self._stats: list[dict[str, torch.Tensor]] = []
        self._first_loss = 0.0
        self._replayed: Replayed | None = None

    def loss(self, generator: torch.Generator) -> losses.LossAndStats:
        """The objective of this method."""
        raise NotImplementedError

    def repeating(self) -> tuple[Callable[..., losses.LossAndStats], tuple[torch.Tensor, ...]] | None:
        """The loss as a function of tensors, and those of this iteration, where iterations differ in them and in the
        parameters alone: no draws, no other numbers, equal shapes. None elsewhere."""
        return None

    def training_step(self, batch: Any, batch_idx: int) -> torch.Tensor:
        """One iteration; its random numbers depend on (seed, rank, epoch, iteration) alone."""
        loss, stats = self._evaluated(batch_idx)
        self._note(stats, batch_idx)
        return loss

    def _evaluated(self, iteration: int) -> losses.LossAndStats:
        """The loss, replayed where it can be and should be."""
        found = self.repeating() if self.record else None
        if self.record is None or found is None:
            return self.loss(self._drawing(iteration))
        loss, inputs = found
        self._replayed = self._replayed or Replayed(loss, self.parameters(), self.record)
        return self._replayed(*inputs)

    def _drawing(self, iteration: int) -> torch.Generator:
        """Random numbers of an iteration of this epoch."""
        key = (self.point.seed, self.global_rank, self.current_epoch, iteration)
        return seeded_generator(self.device, *key)

    def _note(self, stats: dict[str, torch.Tensor], iteration: int) -> None:
        """Keep an iteration's statistics, and refuse a loss that is not finite or has exploded."""
        self._stats.append(stats)
        loss = float(stats[losses.LOSS])
        if len(self._stats) == 1:
            self._first_loss = loss
        sanity.check_loss(loss, self._first_loss, self._where(iteration))

    def on_before_optimizer_step(self, optimizer: torch.optim.Optimizer) -> None:
        """Refuse a step along a gradient that is not finite."""
        sanity.check_gradients(self.parameters(), self._where(len(self._stats) - 1))

    def _where(self, iteration: int) -> str:
        return f"epoch {self.current_epoch + 1}, iteration {iteration + 1}"

    def setup(self, stage: str) -> None:
        """Draw this process's share of the samples."""
        if self.trainer.world_size > 1:
            self.estimator = build_estimator(self.point, self.memory, self.trainer.world_size)

    def on_fit_start(self) -> None:
        """Start the clock; measure the starting state on a fresh run."""
        self._started = time.perf_counter()
        if not self.history:
            self._record({})

    def end_epoch(self) -> None:
        """Measure the state that the epoch ended with; a callback calls it before all others are called."""
        stats = {name: float(self._stats[-1][name]) for name in self._stats[-1]}
        where = f"the end of epoch {self.current_epoch + 1}"
        sanity.check_finite(stats, where)
        sanity.check_effective_samples(stats, self._share_of_draws(), where)
        self._record(stats)
        sanity.check_finite(self.history[-1], where)  # a bad step spoils the state after its last finite loss
        self._stats.clear()

    def _share_of_draws(self) -> int | None:
        """Draws of this process, which its weights are of; None for sums over all configurations."""
        draws = self.point.estimator.n_samples
        return None if draws is None else draws // self.trainer.world_size

    @property
    def seconds(self) -> float:
        """Wall time spent in fits so far, interrupted ones counted up to their last checkpoint."""
        return self.seconds_before + time.perf_counter() - self._started

    @property
    def n_epochs(self) -> int:
        """Epochs of the fit."""
        raise NotImplementedError

    @property
    def rows_per_epoch(self) -> int:
        """Rows of the history per epoch."""
        return 1

    @property
    def epochs_done(self) -> int:
        """Epochs measured so far; the history starts with the starting state."""
        return (len(self.history) - 1) // self.rows_per_epoch

    def position(self) -> dict[str, float]:
        """Where the fit stands: {"iteration": ...} or {"t": ...}."""
        raise NotImplementedError

    @torch.no_grad()
    def measure(self) -> dict[str, float]:
        """Site-averaged Pauli means, what the point asks for beside them, and standard errors (0 where exact).

        Unmasked sampling gives what its samples say, as the public code does, and what p says as "scored_...".
        """
        povm = self.point.povm
        if isinstance(self.estimator, Enumeration):
            p = self.model.all_probs()
            sanity.check_normalised(p, f"epoch {self.current_epoch + 1}")
            if self.estimator.draw is None:
                return self.exact_row(p)
            drawn = sampled_pauli_means(unmasked_sample(self.model, OBSERVABLE_SAMPLES, self._measuring()), povm)
            scored = {f"{SCORED}{name}": (mean, 0.0) for name, mean in pauli_means(p, povm).items()}
            return _with_errors(drawn | scored) | self._eigenvalue(p)
        generator = self._measuring()
        batches = [self.model.sample(OBSERVABLE_SAMPLES, generator) for _ in range(self.point.system.measured_batches)]
        samples_BN = torch.cat(batches)
        asked = sampled_values(samples_BN, povm, self.point.system.observables())
        return _with_errors(sampled_pauli_means(samples_BN, povm) | asked)

    def exact_row(self, p: torch.Tensor) -> dict[str, float]:
        """Columns of the history from an enumerated distribution, errors 0."""
        povm = self.point.povm
        means = pauli_means(p, povm) | exact_values(p, povm, self.point.system.observables())
        return _with_errors({name: (mean, 0.0) for name, mean in means.items()}) | self._eigenvalue(p)

    def _eigenvalue(self, p: torch.Tensor) -> dict[str, float]:
        return {SMALLEST_EIGENVALUE: smallest_eigenvalue(p, self.point.povm)} if p.ndim <= MAX_SITES else {}

    def _measuring(self) -> torch.Generator:
        """Every process measures alike, so that whichever writes the history writes the same.

        So do runs of one seed, whatever else differs: errors of draws are of each mean, and not independent between
        such runs, whose differences are known better than that.
        """
        return seeded_generator(self.device, self.point.seed, 0, len(self.history), -1)

    def _record(self, stats: dict[str, float]) -> None:
        self.history.append({**self.position(), **stats, **self.measure(), "seconds": self.seconds})

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Keep the history and the clock with the weights."""
        checkpoint["point_id"] = self.point.point_id
        checkpoint["history"] = self.history
        checkpoint["seconds"] = self.seconds

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Take up the history and the clock."""
        self.history = list(checkpoint["history"])
        self.seconds_before = checkpoint["seconds"]


class EvolutionModule(PointModule):
    """Base of evolutions in time steps of 2 tau, one epoch each.

    Attributes:
        evolution: settings of the evolution, also of one that follows a search.
    """

    def __init__(self, point: Point, memory: int | None = None) -> None:
        super().__init__(point, memory)
        evolution = point.method.evolution
        assert evolution is not None
        self.evolution = evolution

    @property
    def n_epochs(self) -> int:
        """Epochs of the fit: time steps."""
        return self.evolution.n_steps

    def train_dataloader(self) -> range:
        """Iterations of this time step."""
        return range(self.evolution.iterations(self.current_epoch))

    @property
    def time(self) -> float:
        """Time that this step starts at, units of 1/gamma."""
        return self.evolution.step * self.current_epoch

    def position(self) -> dict[str, float]:
        """Time reached, units of 1/gamma."""
        return {"t": self.evolution.step * (self.current_epoch + 1) if self.history else 0.0}


def _with_errors(means: dict[str, tuple[float, float]]) -> dict[str, float]:
    return {key: v for name, (mean, error) in means.items() for key, v in ((name, mean), (f"{name}_error", error))}
