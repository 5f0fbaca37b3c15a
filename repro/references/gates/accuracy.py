"""What a time step leaves wrong, measured on a few sites: the step as a map of density matrices beside QuTiP.

The sites are the one on which the terms are in sum strongest, its neighbours, those of these, and so on. The error of a
step is a matter of terms that share a site, so that a larger lattice has about the same.

Array suffixes: M times, O observables, D states of the cluster (2^n).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import reduce

import numpy as np

from repro.physics.lattice import graph
from repro.physics.lindblad import LindbladModel
from repro.physics.observables import PauliString
from repro.physics.povm import product_state_density
from repro.references.control_variates import around
from repro.references.gates.step import Step
from repro.references.qutip_solvers import density_operators, evolve, qutip_operators
from repro.utils.errors import InputError

CLUSTER = 7
"""Sites: one with six neighbours."""


def cluster_of(model: LindbladModel, most: int = CLUSTER) -> tuple[int, ...]:
    """The site of the strongest terms, its neighbours by terms, theirs, and so on."""
    joined: dict[int, list[int]] = {site: [] for site in model.lattice.sites}
    for sites in (tuple(term.sites) for terms in (model.hamiltonian_terms, model.jumps) for term in terms):
        for site in sites:
            joined[site] += [other for other in sites if other != site]
    found = [max(model.lattice.sites, key=lambda site: sum(around(model, site).strengths))]
    for site in found:
        found += [other for other in dict.fromkeys(joined[site]) if other not in found]
    return tuple(found[:most])


def restricted(model: LindbladModel, sites: tuple[int, ...]) -> LindbladModel:
    """The terms that act on these sites alone, which are numbered anew."""
    new = {site: k for k, site in enumerate(sites)}

    def there(sites: tuple[int, ...]) -> tuple[int, ...]:
        return tuple(new[site] for site in sites)

    terms = [replace(t, sites=there(t.sites)) for t in model.hamiltonian_terms if set(t.sites) <= new.keys()]
    jumps = [replace(j, sites=there(j.sites)) for j in model.jumps if set(j.sites) <= new.keys()]
    bonds = sorted({(min(term.sites), max(term.sites)) for term in terms if len(term.sites) == 2})
    return LindbladModel.of_terms(graph(bonds, len(sites)), terms, jumps)


class StepErrors:
    """Exact Paulis of a few sites, beside which steps are judged.

    Args:
        model: in its natural unit, with any number of sites.
        bloch_vectors: of the start, one for each site.
        times: equally spaced from 0 on, each a multiple of the longest step.
        pairs: judge by Paulis of neighbours too, not only by those of single sites.
    """

    def __init__(
        self,
        model: LindbladModel,
        bloch_vectors: Sequence[Sequence[float]],
        times: np.ndarray,
        pairs: bool = True,
    ) -> None:
        from qutip import Qobj

        sites = cluster_of(model)
        self.model, self.times = restricted(model, sites), times
        self.start = reduce(np.kron, [product_state_density(bloch_vectors[site]) for site in sites])
        operators = density_operators(_strings(self.model, pairs), len(sites))
        self.observables = np.array([operator.full() for operator in operators.values()])
        rho = Qobj(self.start, dims=[[2] * len(sites)] * 2)
        result = evolve(*qutip_operators(self.model), rho, times, e_ops=operators)
        self.exact_MO = np.real([result.e_data[name] for name in operators]).T

    def largest(self, h: float) -> float:
        """The largest error of a Pauli string at any of the times, of steps of length h."""
        step, rho, off = Step(self.model, h), self.start, 0.0
        steps = round((self.times[1] - self.times[0]) / h)
        for exact_O in self.exact_MO[1:]:
            for _ in range(steps):
                rho = step.density_matrix(rho)
            mine_O = np.einsum("oij,ji->o", self.observables, rho).real
            off = max(off, float(np.abs(mine_O - exact_O).max()))
        return off

    def good_step(self, longest: float, halvings: int, allowed: float) -> tuple[int, float]:
        """How often a step has to be halved to leave no more than is allowed, and what it leaves then.

        Args:
            longest: the step.
            halvings: how often at most.
            allowed: error of a Pauli string.

        Raises:
            InputError: all of them leave more.
        """
        off = 0.0
        for k in range(halvings + 1):
            if (off := self.largest(longest / 2**k)) <= allowed:
                return k, off
        raise InputError(f"trajectories of gates: steps of {longest / 2**halvings:.2g} are {off:.2g} off on a cluster")


def _strings(model: LindbladModel, pairs: bool) -> list[PauliString]:
    """X, Y and Z of every site; with pairs XX, YY and ZZ of every bond."""
    alone: list[PauliString] = [((site, axis),) for site in model.lattice.sites for axis in "XYZ"]
    return [*alone, *(((i, axis), (j, axis)) for i, j in model.lattice.bonds if pairs for axis in "XYZ")]
