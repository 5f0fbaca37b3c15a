"""Lightning modules around the distribution: variational steady state (Eq. 5) and time evolution (Eq. 4).

Glue only. A time evolution is one `fit` with one epoch per time step: the state before the step is frozen and Adam
starts afresh when the epoch starts. A variational search is one `fit` cut into epochs of a few iterations, so that it
can be watched and resumed. Everything that a resumed run needs is in the checkpoint at the end of an epoch.
"""

from __future__ import annotations

import math
import time
from typing import Any

import pytorch_lightning as pl
import torch

from repro.ansatz.unmasked_sampling import unmasked_sample
from repro.config.point import Point
from repro.methods import losses, sanity
from repro.methods.build import build_ansatz, build_estimator, seeded_generator
from repro.methods.estimators import Enumeration
from repro.physics.observables import exact_values, sampled_values
from repro.physics.pauli_means import pauli_means, sampled_pauli_means

ADAM = {"betas": (0.9, 0.98), "eps": 1e-9, "fused": True}
EPOCH_ITERATIONS = 20
OBSERVABLE_SAMPLES = 20_000
WARM_UP = 0.2
"""Fraction of a time step over which step_decay "cycle" lets the rate grow."""


class PointModule(pl.LightningModule):
    """What both methods share: the distribution, its estimator, and the history of what was measured.

    Attributes:
        history: one row per epoch: t or iteration, loss, residual, Pauli means and errors, seconds so far.
    """

    def __init__(self, point: Point, memory: int | None = None) -> None:
        super().__init__()
        self.point, self.memory = point, memory
        self.model = build_ansatz(point)
        self.estimator = build_estimator(point, memory)
        self.history: list[dict[str, float]] = []
        self.seconds_before = 0.0
        self._started = time.perf_counter()
        self._stats: list[dict[str, torch.Tensor]] = []

    def loss(self, generator: torch.Generator) -> losses.LossAndStats:
        """The objective of this method."""
        raise NotImplementedError

    def training_step(self, batch: Any, batch_idx: int) -> torch.Tensor:
        """One iteration; its random numbers depend on (seed, rank, epoch, iteration) alone."""
        key = (self.point.seed, self.global_rank, self.current_epoch, batch_idx)
        loss, stats = self.loss(seeded_generator(self.device, *key))
        self._stats.append(stats)
        sanity.check_loss(float(stats["loss"]), float(self._stats[0]["loss"]), self._where(batch_idx))
        return loss

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
        sanity.check_effective_samples(stats, self.point.n_samples, where)
        self._record(stats)
        sanity.check_finite(self.history[-1], where)  # a bad step spoils the state after its last finite loss
        self._stats.clear()

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
        povm = self.point.build_povm()
        if isinstance(self.estimator, Enumeration):
            p = self.model.all_probs()
            sanity.check_normalised(p, f"epoch {self.current_epoch + 1}")
            if self.point.sampling == "masked":
                return self.exact_row(p)
            drawn = sampled_pauli_means(unmasked_sample(self.model, OBSERVABLE_SAMPLES, self._measuring()), povm)
            scored = {f"scored_{name}": (mean, 0.0) for name, mean in pauli_means(p, povm).items()}
            return _with_errors(drawn | scored)
        generator = self._measuring()
        batches = [self.model.sample(OBSERVABLE_SAMPLES, generator) for _ in range(self.point.measured_batches)]
        samples_BN = torch.cat(batches)
        asked = sampled_values(samples_BN, povm, self.point.observables())
        return _with_errors(sampled_pauli_means(samples_BN, povm) | asked)

    def exact_row(self, p: torch.Tensor) -> dict[str, float]:
        """Columns of the history from an enumerated distribution, errors 0."""
        povm = self.point.build_povm()
        means = pauli_means(p, povm) | exact_values(p, povm, self.point.observables())
        return _with_errors({name: (mean, 0.0) for name, mean in means.items()})

    def _measuring(self) -> torch.Generator:
        """Every process measures alike, so that whichever writes the history writes the same."""
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


def _with_errors(means: dict[str, tuple[float, float]]) -> dict[str, float]:
    return {key: v for name, (mean, error) in means.items() for key, v in ((name, mean), (f"{name}_error", error))}


class VariationalModule(PointModule):
    """Steady state by minimising ||dp/dt||_1 (Eq. 5) with Adam."""

    def __init__(self, point: Point, memory: int | None = None) -> None:
        super().__init__(point, memory)
        self.iteration_losses: list[float] = []

    @property
    def n_epochs(self) -> int:
        """Epochs of the fit, of up to EPOCH_ITERATIONS each."""
        return math.ceil(self.point.iterations / EPOCH_ITERATIONS)

    def train_dataloader(self) -> range:
        """Iterations of this epoch."""
        return range(min(EPOCH_ITERATIONS, self.point.iterations - self.current_epoch * EPOCH_ITERATIONS))

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """Adam with the public code's moments; its halving at iteration 600 never comes at 500."""
        return torch.optim.Adam(self.parameters(), lr=self.point.learning_rate, **ADAM)  # type: ignore[arg-type]

    def loss(self, generator: torch.Generator) -> losses.LossAndStats:
        """Eq. 5, or S25."""
        evaluation = self.estimator.evaluate(self.model, generator)
        if self.point.objective == "sign":
            return losses.sign_augmented(evaluation, self.point.mixing)
        return losses.variational(evaluation)

    def position(self) -> dict[str, float]:
        """Iterations done."""
        done = (self.current_epoch + 1) * EPOCH_ITERATIONS if self.history else 0
        return {"iteration": min(done, self.point.iterations)}

    def end_epoch(self) -> None:
        """Keep every iteration's loss (Fig. S2), then measure."""
        self.iteration_losses += torch.stack([s["loss"] for s in self._stats]).tolist()
        super().end_epoch()

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Keep the losses too."""
        super().on_save_checkpoint(checkpoint)
        checkpoint["iteration_losses"] = self.iteration_losses

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Take up the losses too."""
        super().on_load_checkpoint(checkpoint)
        self.iteration_losses = list(checkpoint["iteration_losses"])


class DynamicsModule(PointModule):
    """Time evolution by the forward-backward trapezoid objective (Eq. 4), one epoch per step of 2 tau."""

    def __init__(self, point: Point, memory: int | None = None) -> None:
        super().__init__(point, memory)
        self._frozen: tuple[object, ...] = ()  # a tuple hides a frozen module from nn.Module's registration

    @property
    def n_epochs(self) -> int:
        """Epochs of the fit: time steps."""
        return self.point.n_steps

    def train_dataloader(self) -> range:
        """Iterations of this time step."""
        return range(self.point.iterations_of_step(self.current_epoch))

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """Adam; its state and rate are reset at every time step."""
        return torch.optim.Adam(self.parameters(), lr=self.point.step_learning_rate, **ADAM)  # type: ignore[arg-type]

    def on_train_epoch_start(self) -> None:
        """Freeze p(t) and start Adam afresh."""
        self._frozen = (self.estimator.freeze(self.model),)
        self.restart_adam()

    def restart_adam(self) -> None:
        """Forget the moments of the last time step."""
        for optimizer in self.trainer.optimizers:
            optimizer.state.clear()

    def on_train_batch_start(self, batch: Any, batch_idx: int) -> None:
        """Set the rate of this iteration."""
        for optimizer in self.trainer.optimizers:
            for group in optimizer.param_groups:
                group["lr"] = self.point.step_learning_rate * self.decay(batch_idx)

    def decay(self, iteration: int) -> float:
        """Factor on Adam's rate at an iteration of this time step."""
        total = self.point.iterations_of_step(self.current_epoch)
        if self.point.step_decay == "exponential":
            return self.point.step_factor ** (iteration / total)
        if self.point.step_decay == "cycle":
            return min(1.0, iteration / (WARM_UP * total)) * self.point.step_factor ** (iteration / total)
        return self.point.step_factor if iteration >= self.point.step_at * total else 1.0

    def loss(self, generator: torch.Generator) -> losses.LossAndStats:
        """Eq. 4, or S23."""
        evaluation = self.estimator.evaluate(self.model, generator, *self._frozen)
        if self.point.objective == "interpolated":
            return losses.interpolated(evaluation, self.point.tau, self.mixing)
        return losses.dynamics(evaluation, self.point.tau)

    @property
    def mixing(self) -> float:
        """lambda of S23 in this time step: linear in time from `mixing` to 1 at `mixing_time`."""
        t = 2 * self.point.tau * self.current_epoch
        grown = min(1.0, t / self.point.mixing_time) if self.point.mixing_time else 1.0
        return self.point.mixing + (1 - self.point.mixing) * grown

    def position(self) -> dict[str, float]:
        """Time reached, units of 1/gamma."""
        return {"t": 2 * self.point.tau * (self.current_epoch + 1) if self.history else 0.0}
