"""What is minimised: the paper's losses and the two further ones of its supplement, and Adam within a time step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from repro.config.settings import Settings, setting

OBJECTIVES = "paper (Eqs. 4, 5), interpolated (S23, evolves) or sign (S25, variational)"
DECAYS = ("step", "exponential", "cycle")


@dataclass(frozen=True)
class PaperLoss(Settings):
    """Eq. 4 of an evolution, Eq. 5 of a search."""

    kind: ClassVar[str] = "paper"
    label: ClassVar[str] = ""


@dataclass(frozen=True)
class SignLoss(Settings):
    """The sign-augmented loss of a search (Eq. S25)."""

    kind: ClassVar[str] = "sign"
    mixing: float = setting(1.0, "lambda of S25, or lambda of S23 at the start", least=0, most=1)

    @property
    def label(self) -> str:
        """How a point's name says it."""
        return f"-sign{self.mixing:g}"


@dataclass(frozen=True)
class InterpolatedLoss(Settings):
    """From search to evolution (Eq. S23)."""

    kind: ClassVar[str] = "interpolated"
    mixing: float = setting(1.0, "lambda of S25, or lambda of S23 at the start", least=0, most=1)
    mixing_time: float = setting(1.0, "time over which S23's lambda grows linearly to 1", least=0)
    label: ClassVar[str] = "-interpolated"

    def mixing_at(self, t: float) -> float:
        """lambda at a time: linear from `mixing` at 0 to 1 at `mixing_time`."""
        grown = min(1.0, t / self.mixing_time) if self.mixing_time else 1.0
        return self.mixing + (1 - self.mixing) * grown


@dataclass(frozen=True)
class StepAdam(Settings):
    """Adam within a time step, fresh in each."""

    step_iterations: int = setting(100, "Adam iterations per time step", above=0)
    first_steps: int = setting(0, "time steps at the start that get first_iterations each", least=0)
    first_iterations: int = setting(0, "Adam iterations in each of the first steps; 0 for the same as later", least=0)
    step_learning_rate: float = setting(1e-2, "Adam's rate at the start of every time step", above=0)
    step_decay: str = setting(
        "step",
        "rate within a time step: step (x step_factor from step_at on), exponential, or cycle (up from 0, exponential)",
        choices=DECAYS,
    )
    step_factor: float = setting(0.1, "factor on the rate at the end of a time step", least=0)
    step_at: float = setting(
        0.8, "part of a time step's iterations after which step_decay step changes the rate", least=0, most=1
    )

    def iterations(self, step: int) -> int:
        """Iterations of a time step (0 is the first)."""
        return self.first_iterations if step < self.first_steps and self.first_iterations else self.step_iterations
