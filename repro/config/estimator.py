"""How L p is evaluated: on all 4^N configurations, on draws, or the authors' way."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from repro.config.settings import Settings, setting
from repro.utils.errors import InputError

SAMPLINGS = ("masked", "unmasked")
DRAWS = "draws N_s per iteration; without them all configurations are summed over (enumeration)"


@dataclass(frozen=True)
class Enumeration(Settings):
    """All 4^N configurations: exact sums, or N_s draws from the enumerated p as the paper has them."""

    kind: ClassVar[str] = "enumeration"
    n_samples: int | None = setting(None, DRAWS, above=0)
    sampling: str = setting(
        "masked", "masked, or unmasked as the public code draws (a fault with two layers or more)", choices=SAMPLINGS
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.sampling == "unmasked" and not self.n_samples:
            raise InputError("sampling unmasked: expected estimator enumeration with n_samples of at least 1")

    @property
    def exact_sums(self) -> bool:
        """Whether nothing is drawn."""
        return self.n_samples is None

    def check_ranks(self, label: str, ranks: int) -> None:
        """Refuse several processes.

        Raises:
            InputError: more than one.
        """
        if ranks > 1:
            raise InputError(f"{label}: enumeration runs on one device, expected --estimator sampled for {ranks}")


@dataclass(frozen=True)
class Sampled(Settings):
    """N_s draws and their neighbours on a tree of prefixes: any size."""

    kind: ClassVar[str] = "sampled"
    n_samples: int | None = setting(None, DRAWS, above=0)
    exact_sums: ClassVar[bool] = False

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.n_samples is None:
            raise InputError(f"estimator {self.kind} without n_samples: expected the number of draws per iteration")

    @property
    def draws(self) -> int:
        """N_s."""
        assert self.n_samples is not None
        return self.n_samples

    def check_ranks(self, label: str, ranks: int) -> None:
        """Refuse draws that processes cannot share evenly.

        Raises:
            InputError: draws that do not divide.
        """
        if self.draws % ranks:
            raise InputError(f"n_samples = {self.n_samples} on {ranks} devices: expected a multiple of {ranks}")


@dataclass(frozen=True)
class Naive(Sampled):
    """Every flipped neighbour of every draw through the network: the authors' way, kept as the oracle."""

    kind: ClassVar[str] = "naive"
