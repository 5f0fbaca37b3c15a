"""The same objects by an independent route: QuTiP's generator and Born probabilities, and L as a matrix."""

from __future__ import annotations

from functools import reduce
from itertools import product

import numpy as np
import qutip
import torch

from repro.physics.lindblad import LindbladModel
from repro.physics.liouvillian import LocalLiouvillian
from repro.physics.povm import Povm


def qutip_model(model: LindbladModel) -> tuple[qutip.Qobj, list[qutip.Qobj]]:
    """H and sqrt(gamma) G with QuTiP alone."""
    n_sites = model.lattice.n_sites

    def expand(operator: np.ndarray, sites: tuple[int, ...]) -> qutip.Qobj:
        local = qutip.Qobj(operator, dims=[[2] * len(sites)] * 2)
        return qutip.expand_operator(local, [2] * n_sites, list(sites))

    hamiltonian = sum((expand(t.operator, t.sites) for t in model.hamiltonian_terms), qutip.qzero([2] * n_sites))
    return hamiltonian, [np.sqrt(jump.rate) * expand(jump.operator, jump.sites) for jump in model.jumps]


def qutip_generator(model: LindbladModel, povm: Povm) -> np.ndarray:
    """F S F^-1: QuTiP's superoperator S (columns stacked) between p = F vec(rho); no dual frame in it."""
    superoperator = qutip.liouvillian(*qutip_model(model)).full()
    frame = [reduce(np.kron, elements) for elements in _products(povm.frame, model.lattice.n_sites)]
    F = np.stack([element.ravel() for element in frame])
    return F @ superoperator @ np.linalg.inv(F)


def state_of(p: torch.Tensor, povm: Povm) -> np.ndarray:
    """rho that solves Tr(rho M_a) = p(a) for every a; no dual frame in it."""
    frame = [reduce(np.kron, elements) for elements in _products(povm.frame, p.ndim)]
    F = np.stack([element.T.ravel() for element in frame])
    return np.linalg.solve(F, p.detach().double().numpy().ravel()).reshape(2**p.ndim, -1)


def _products(frame: np.ndarray, n_sites: int) -> list[tuple[np.ndarray, ...]]:
    if n_sites == 0:
        return [()]
    return [(element, *rest) for element in frame for rest in _products(frame, n_sites - 1)]


def dense_generator(liouvillian: LocalLiouvillian) -> np.ndarray:
    """Column b is L applied to the configuration b."""
    shape = (4,) * liouvillian.n_sites
    columns = [liouvillian.apply(column.reshape(shape)).ravel() for column in np.eye(4**liouvillian.n_sites)]
    return np.stack(columns, axis=1)


def probabilities(rho: qutip.Qobj, povm: Povm) -> torch.Tensor:
    """p(a) = Tr(rho M_a), one QuTiP trace per configuration."""
    n_sites = len(rho.dims[0])
    elements = [qutip.Qobj(element) for element in povm.frame]
    values = [(qutip.tensor(list(chosen)) * rho).tr().real for chosen in product(elements, repeat=n_sites)]
    return torch.tensor(values, dtype=torch.float64).view((4,) * n_sites)
