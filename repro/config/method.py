"""How a state is found: the paper's steady-state search and evolution, and three methods beyond the paper.

Times are in units of 1/gamma. A method answers for itself what others would otherwise ask about its name.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from repro.config.estimator import Enumeration, Naive
from repro.config.evolution import AdamEvolution, AnyEstimator, Evolution, Method
from repro.config.objective import OBJECTIVES, InterpolatedLoss, PaperLoss, SignLoss
from repro.config.settings import choice, part, setting
from repro.utils.errors import InputError

RULES = {"runge-kutta": 4, "adams-bashforth": 1}
"""Rules of integration (tdvp), and the velocities of one step."""


@dataclass(frozen=True)
class Variational(Method):
    """The paper's search for a steady state (Eq. 5)."""

    kind: ClassVar[str] = "variational"
    short: ClassVar[str] = "var"
    loss: PaperLoss | SignLoss = choice("objective", OBJECTIVES, PaperLoss, SignLoss)
    iterations: int = setting(500, "Adam iterations of the variational stage", above=0)
    learning_rate: float = setting(1e-2, "Adam's rate, variational stage", above=0)

    @property
    def label(self) -> str:
        """What a point's name says of its loss."""
        return self.loss.label

    @property
    def total_iterations(self) -> int:
        """Adam iterations in all."""
        return self.iterations


@dataclass(frozen=True)
class Dynamics(AdamEvolution):
    """The paper's evolution by the trapezoid rule (Eq. 4)."""

    kind: ClassVar[str] = "dynamics"
    short: ClassVar[str] = "dyn"
    loss: PaperLoss | InterpolatedLoss = choice("objective", OBJECTIVES, PaperLoss, InterpolatedLoss)
    relative_entropy: bool = setting(
        False, "measure the relative entropy of the exact p(t) too, at every time step (dynamics, enumeration)"
    )

    @property
    def label(self) -> str:
        """What a point's name says of its loss."""
        return self.loss.label

    def check_estimator(self, estimator: AnyEstimator) -> None:
        """Refuse to measure the relative entropy where nothing is enumerated.

        Raises:
            InputError: it is asked for.
        """
        if self.relative_entropy and (not isinstance(estimator, Enumeration) or estimator.sampling == "unmasked"):
            raise InputError("relative_entropy: expected estimator enumeration, and sampling masked")


@dataclass(frozen=True)
class VariationalThenDynamics(Method):
    """The paper's evolution from what a search has found: a steady state in less time."""

    kind: ClassVar[str] = "variational+dynamics"
    short: ClassVar[str] = "var+dyn"
    first: Variational = part(Variational)
    then: Dynamics = part(Dynamics)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.then.relative_entropy:
            raise InputError(f"relative_entropy: method {self.kind} starts from no exact state, expected dynamics")

    @property
    def search(self) -> Variational:
        """What comes first."""
        return self.first

    @property
    def evolution(self) -> Evolution:
        """What follows."""
        return self.then

    @property
    def total_iterations(self) -> int:
        """Adam iterations in all."""
        return self.first.total_iterations + self.then.total_iterations


class BeyondThePaper(Method):
    """What methods beyond the paper share."""

    def check_estimator(self, estimator: AnyEstimator) -> None:
        """Refuse the naive way and unmasked draws.

        Raises:
            InputError: one of them.
        """
        if isinstance(estimator, Naive) or (isinstance(estimator, Enumeration) and estimator.sampling == "unmasked"):
            raise InputError(f"method {self.kind}: expected estimator enumeration or sampled, and sampling masked")


@dataclass(frozen=True)
class Projection(BeyondThePaper, AdamEvolution):
    """Propagate p by a time step, then fit the network to the result (`repro.methods.projection`)."""

    kind: ClassVar[str] = "projection"
    short: ClassVar[str] = "proj"
    leaves_zero: ClassVar[bool] = True
    dense_output: int = setting(
        1, "states recorded per time step, by the propagation itself (projection, exact sums)", above=0
    )
    hilbert_schmidt: float = setting(
        0.0, "weight of 2^N Tr (rho - rho')^2 beside the relative entropy (projection, exact sums)", least=0
    )

    def check_estimator(self, estimator: AnyEstimator) -> None:
        """Refuse the naive way, and draws where states on the way or distances need exact sums.

        Raises:
            InputError: one of them.
        """
        super().check_estimator(estimator)
        for name, plain in (("dense_output", 1), ("hilbert_schmidt", 0)):
            if getattr(self, name) > plain and not estimator.exact_sums:
                raise InputError(f"{name} above {plain}: expected exact sums (enumeration without n_samples)")


@dataclass(frozen=True)
class Collocation(BeyondThePaper, AdamEvolution):
    """An implicit rule whose stages are networks, for draws (`repro.methods.collocation`)."""

    kind: ClassVar[str] = "collocation"
    short: ClassVar[str] = "coll"
    leaves_zero: ClassVar[bool] = True
    networks: ClassVar[int] = 2
    reuse: int = setting(1, "iterations that share their draws and one evaluation of L (collocation)", above=0)


@dataclass(frozen=True)
class Tdvp(BeyondThePaper, Evolution):
    """The time-dependent variational principle with draws (`repro.ansatz.tangent`)."""

    kind: ClassVar[str] = "tdvp"
    short: ClassVar[str] = "tdvp"
    tau: float = setting(0.04, "half the time step", above=0)
    rule: str = setting(
        "runge-kutta",
        "rule of integration (tdvp): runge-kutta, fourth order, four velocities a step; adams-bashforth, second, one",
        choices=tuple(RULES),
    )
    substeps: int = setting(1, "steps of the rule per time step (tdvp)", above=0)
    first_substeps: int = setting(4, "steps of the rule in the first time step, which leaves a product state", above=0)
    ridge: float = setting(2e-3, "penalty on velocities, in units of the mean diagonal of O O^T (tdvp)", above=0)
    lattice_images: int = setting(
        0,
        "lattice images of every draw that its derivatives are averaged over, so that fewer draws do (tdvp, draws); "
        "0: the draw itself",
        least=0,
    )
    momentum: float = setting(
        0.0,
        "part of the velocity before that a velocity is held near to where its draws do not tell (tdvp)",
        least=0,
        most=1,
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.lattice_images == 1:
            raise InputError("lattice_images = 1: expected 0, or at least 2, whose log p is held together")

    def check_estimator(self, estimator: AnyEstimator) -> None:
        """Refuse images where nothing is drawn, and a draw alone, whose velocity less their mean is none.

        Raises:
            InputError: one of them.
        """
        super().check_estimator(estimator)
        if estimator.n_samples == 1:
            raise InputError("method tdvp with 1 draw: expected at least 2, or exact sums")
        if self.lattice_images and estimator.exact_sums:
            raise InputError(
                f"lattice_images = {self.lattice_images}: expected draws (estimator sampled, or n_samples), or 0"
            )

    @property
    def draws_images(self) -> bool:
        """Whether it averages over images."""
        return self.lattice_images > 0

    @property
    def looks_back(self) -> bool:
        """Whether a velocity needs the one before."""
        return self.momentum > 0 or self.stages == 1

    @property
    def stages(self) -> int:
        """Velocities of one step of the rule."""
        return RULES[self.rule]

    @property
    def label(self) -> str:
        """What a point's name says of its images."""
        return f"-{self.lattice_images}images" if self.lattice_images else ""

    def rule_steps(self, step: int) -> int:
        """Steps of the rule in a time step (0 is the first)."""
        return self.substeps if step else self.first_substeps

    def iterations(self, step: int) -> int:
        """Velocities of a time step (0 is the first)."""
        return self.stages * self.rule_steps(step)

    @property
    def steps_apart(self) -> int:
        """The first one."""
        return 1


METHODS = (Variational, Dynamics, VariationalThenDynamics, Projection, Collocation, Tdvp)
