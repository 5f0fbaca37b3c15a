"""A trained state: the distribution p(a) of a point's last weights, and what follows from it.

    rho = sum_a p(a) N^(a),   <O> = sum_a p(a) Tr(O N^(a)),

with the dual frame N of `repro.physics.povm`. Up to `MAX_ENUMERATED_SITES` sites the sums run over all 4^N outcomes,
beyond that over draws a ~ p.

Tensor suffixes: B configurations, N sites.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import torch

from repro.ansatz.string_mixture import MAX_ENUMERATED_SITES, StringMixture
from repro.config.point import Point
from repro.config.settings import leaves
from repro.physics import density
from repro.physics.observable_parser import EVERYTHING_LOCAL, parse_observables
from repro.physics.observables import LETTERS, Observable, exact_values, purity, sampled_values
from repro.physics.pauli_means import check_outcomes
from repro.physics.rates import rates_of
from repro.utils.errors import InputError
from repro.utils.validation import check_int, shorten

SAMPLES = 20_000
"""Draws behind a mean that cannot be enumerated."""
MOST_SAMPLES = 10_000_000
AT_ONCE = 20_000
"""Draws, or configurations, that go through the network together: of 6x6 sites, some 20 kB each."""


@dataclass(frozen=True)
class State:
    """A distribution p(a) over the 4^N outcomes of a measurement, and the operator rho that it stands for.

    Made by `repro.load_state` and `repro.Solution.state`. Site numbers are row-major, Pauli matrices have eigenvalues
    +1 and -1, and nothing is differentiated. p need not be of a state: `smallest_eigenvalue` says so.

    Attributes:
        point: what was computed.
        model: its distribution with the last weights, single precision.
        t: time of the state in units of 1/gamma (of a solved problem: its own); inf for a search of the steady state.
        time_unit: of a solved problem, which is computed in its natural unit, the size of that in its own.
        commit: source that computed the weights; a table may name another, where a run of that gave the same means.
    """

    point: Point
    model: StringMixture = field(repr=False)
    t: float
    commit: str = "unknown"
    time_unit: float = 1.0

    @property
    def settings(self) -> dict[str, Any]:
        """Every setting of the computation by name."""
        return leaves(self.point)

    @property
    def n_sites(self) -> int:
        """Number of spins N."""
        return self.model.n_sites

    def sample(self, n: int, seed: int = 0) -> torch.Tensor:
        """Independent configurations a ~ p, exact: shape (n, N), int64 outcomes 0 to 3, column i that of site i.

        Args:
            n: how many.
            seed: equal seeds give equal draws.

        Raises:
            InputError: n or seed is no whole number in range.
        """
        check_int("number of samples", n, 1, MOST_SAMPLES)
        generator = torch.Generator().manual_seed(check_int("seed", seed, 0, 2**63 - 1))
        sizes = [min(AT_ONCE, n - first) for first in range(0, n, AT_ONCE)]
        return torch.cat([self.model.sample(size, generator) for size in sizes])

    def log_prob(self, configurations: Any) -> torch.Tensor:
        """log p(a) in nats, shape (B,).

        Args:
            configurations: outcomes 0 to 3 of every site, shape (B, N): a tensor, an array or a list.

        Raises:
            InputError: another shape, or something else than outcomes.
        """
        try:
            array = isinstance(configurations, np.ndarray)  # torch takes none with negative strides
            samples_BN = torch.as_tensor(np.ascontiguousarray(configurations) if array else configurations)
        except (TypeError, ValueError, RuntimeError):
            raise InputError(
                f"configurations {shorten(configurations)}: expected outcomes 0 to 3 of shape (B, {self.n_sites})"
            ) from None
        whole = not (samples_BN.is_floating_point() or samples_BN.is_complex() or samples_BN.dtype == torch.bool)
        check_outcomes(samples_BN := samples_BN.long() if whole else samples_BN)
        with torch.no_grad():
            parts = samples_BN.split(AT_ONCE)
            return torch.cat([self.model.log_prob(part_BN) for part_BN in parts])

    def probabilities(self) -> torch.Tensor:
        """p of every configuration, shape (4,) * N, axis i the outcome of site i, single precision.

        Raises:
            InputError: more than twelve sites.
        """
        return self._probabilities.clone()

    @cached_property
    def _probabilities(self) -> torch.Tensor:
        if self.n_sites > MAX_ENUMERATED_SITES:
            raise InputError(
                f"all 4^{self.n_sites} probabilities of {self.n_sites} sites: expected at most {MAX_ENUMERATED_SITES} "
                "sites (mean, sample and log_prob have no such limit)"
            )
        with torch.no_grad():
            return self.model.all_probs()

    def mean(self, observable: Any, samples: int = SAMPLES, seed: int = 0) -> float:
        """<O> = sum_a p(a) Tr(O N^(a)): exact up to twelve sites, else the mean over draws.

        Args:
            observable: a Pauli string such as "Z0 Z1", "Z" for the average over the sites, "purity" (Tr rho^2), or
                {name: [(2.0, "X0 Y1"), ...]} for a linear combination.
            samples: draws where there are more than twelve sites.
            seed: of the draws.

        Raises:
            InputError: what cannot be read, or more than one observable, such as "Z*"; the purity of draws.
        """
        return self.mean_with_error(observable, samples, seed)[0]

    def mean_with_error(self, observable: Any, samples: int = SAMPLES, seed: int = 0) -> tuple[float, float]:
        """As `mean`, with the standard error of the draws: std / sqrt(samples), 0 where the sum is exact."""
        found = self.values([observable], samples=samples, seed=seed)
        if len(found) != 1:
            raise InputError(f"observable {shorten(observable)}: {len(found)} of them, expected one (values gives all)")
        [value] = found.values()
        return value

    def connected(self, first: str, second: str, samples: int = SAMPLES, seed: int = 0) -> float:
        """The connected correlator <AB> - <A><B> of two Pauli strings on different sites.

        Raises:
            InputError: strings that cannot be read, or that share a site.
        """
        return list(self.values((), [(first, second)], samples, seed).values())[-1][0]

    def values(
        self,
        observables: Iterable[Any] | str = EVERYTHING_LOCAL,
        correlators: Iterable[Any] = (),
        samples: int = SAMPLES,
        seed: int = 0,
    ) -> dict[str, tuple[float, float]]:
        """Many values at once: name -> (mean, standard error), errors 0 where sums are exact.

        Strings are named with their sites ascending: "Z2 X0" is found as "X0 Z2".

        Args:
            observables: as `repro.Problem` takes them; by default X, Y, Z averaged over the sites and of every site.
            correlators: pairs such as ("Z0", "Z3"): <AB> and <AB> - <A><B>; "Z" for all pairs of sites.
            samples: draws where there are more than twelve sites.
            seed: of the draws.

        Raises:
            InputError: what cannot be read, the purity of draws, or fewer than two samples.
        """
        return self._values(parse_observables(observables, correlators, self.n_sites), samples, seed)

    def _values(self, asked: Sequence[Observable], samples: int, seed: int) -> dict[str, tuple[float, float]]:
        if self.n_sites <= MAX_ENUMERATED_SITES:
            exact = exact_values(self._probabilities, self.point.povm, asked)
            return {name.strip("<>"): (value, 0.0) for name, value in exact.items()}
        check_int("samples", samples, 2, MOST_SAMPLES)
        drawn = sampled_values(self.sample(samples, seed), self.point.povm, asked)
        return {name.strip("<>"): value for name, value in drawn.items()}

    def rates(
        self, observables: Iterable[Any] | str = LETTERS, samples: int = SAMPLES, seed: int = 0
    ) -> dict[str, tuple[float, float]]:
        """d<O>/dt = Tr(O L(rho)) of this state alone: name -> (mean, standard error), units of 1/t.

        In a steady state every one of them is zero, on an evolution each is the slope of its curve: what is left over
        tells, without an exact value, what the state or its evolution has wrong.

        Args:
            observables: Pauli strings, averages and linear combinations, as for `values`.
            samples: draws where there are more than twelve sites.
            seed: of the draws.

        Raises:
            InputError: what cannot be read or is not linear, a state in imaginary time, or fewer than two samples.
        """
        if not self.point.system.build_liouvillian().conserves:
            raise InputError("rates of a state in imaginary time: expected one that follows the Lindblad equation")
        asked = rates_of(parse_observables(observables, (), self.n_sites), self.point.system.build_model())
        found = self._values(asked, samples, seed)
        return {name: (self.time_unit * rate, self.time_unit * error) for name, (rate, error) in found.items()}

    def purity(self) -> float:
        """Tr rho^2 over all configurations: 1 for a pure state, 2^-N for the maximally mixed one.

        Raises:
            InputError: more than twelve sites.
        """
        return purity(self._probabilities, self.point.povm)

    def density_matrix(self) -> torch.Tensor:
        """rho = sum_a p(a) N^(a1) x ... x N^(aN), shape (2^N, 2^N), complex double precision, site 0 the first factor.

        Raises:
            InputError: more than ten sites.
        """
        self._check_dense()
        return density.density_matrix(self._probabilities, self.point.povm)

    def smallest_eigenvalue(self) -> float:
        """The smallest eigenvalue of rho: below 0, p is of no state.

        Raises:
            InputError: more than ten sites.
        """
        self._check_dense()
        return density.smallest_eigenvalue(self._probabilities, self.point.povm)

    def _check_dense(self) -> None:
        if self.n_sites > density.MAX_SITES:
            raise InputError(
                f"density matrix of {self.n_sites} sites: expected at most {density.MAX_SITES} (mean has no such limit)"
            )
