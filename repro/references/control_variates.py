"""Control variates for time averages of a steady state: quantities whose mean is known to be zero.

In a steady state Tr(rho L^+(O)) = 0 for every operator O, with the adjoint generator

    L^+(O) = i [H, O] + sum_k (c_k^+ O c_k - {c_k^+ c_k, O} / 2),   c_k = sqrt(gamma_k) Gamma_k.

Subtracting a combination of such averages changes no mean, and takes away most of a trajectory's fluctuations where the
O are the site and bond sums of Pauli products. The combination is fitted on the other trajectories, so that the
estimate stays unbiased and its standard error honest.

Array suffixes: R trajectories, T blocks of time, P observables, C controls.
"""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING

import numpy as np

from repro.physics.lindblad import PAULIS, LindbladModel
from repro.references.qutip_solvers import expand, site_averaged_paulis

if TYPE_CHECKING:
    import qutip


AGREE = 4.0
"""Means with and without controls may differ by so many standard errors of their difference."""


def pauli_sums(model: LindbladModel) -> list[qutip.Qobj]:
    """Site averages of the Paulis and bond averages of the six symmetric products of two."""
    from qutip import qzero

    N, bonds = model.lattice.n_sites, model.lattice.bonds
    sums = list(site_averaged_paulis(N).values())
    for a, b in itertools.combinations_with_replacement(PAULIS, 2) if bonds else ():
        product = np.kron(PAULIS[a], PAULIS[b]) + np.kron(PAULIS[b], PAULIS[a])
        total = qzero([2] * N, dtype="CSR")
        for bond in bonds:
            total += expand(product / (2 * len(bonds)), bond, N)
        sums.append(total)
    return sums


def adjoint_generator(hamiltonian: qutip.Qobj, jumps: list[qutip.Qobj], operator: qutip.Qobj) -> qutip.Qobj:
    """L^+(O), sparse; its steady-state mean is zero."""
    out = 1j * (hamiltonian * operator - operator * hamiltonian)
    for jump in jumps:
        loss = jump.dag() * jump
        out += jump.dag() * operator * jump - (loss * operator + operator * loss) / 2
    return out.tidyup(1e-12)


def fastest(model: LindbladModel) -> float:
    """The largest sum of the strengths of all terms on a site; at least 1."""
    return max(1.0, *(sum(around(model, site).strengths) for site in model.lattice.sites))


def around(model: LindbladModel, site: int) -> LindbladModel:
    """The terms that act on a site."""
    terms = [term for term in model.hamiltonian_terms if site in term.sites]
    return LindbladModel.of_terms(model.lattice, terms, (jump for jump in model.jumps if site in jump.sites))


def estimate(observables_RTP: np.ndarray, controls_RTC: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard error of the observables over independent trajectories, controls subtracted.

    Args:
        observables_RTP: averages over blocks of time of every trajectory.
        controls_RTC: the same of the controls, whose true means are zero.

    Returns:
        mean_P and error_P; the errors are infinite below three trajectories.
    """
    from scipy.stats import sem

    R, _, P = observables_RTP.shape
    if R < 3:
        return observables_RTP.mean((0, 1)), np.full(P, math.inf)
    kept_RP = np.array([_without_fluctuations(observables_RTP, controls_RTC, r) for r in range(R)])
    return kept_RP.mean(0), sem(kept_RP, axis=0)


def estimate_each(
    values_RP: np.ndarray, controls_RPC: np.ndarray, ridge: float = 1e-3
) -> tuple[np.ndarray, np.ndarray]:
    """The same where every observable has controls of its own; without them where they do not help or are not zero.

    Args:
        values_RP: of three or more trajectories.
        controls_RPC: whose true means are zero; C may be zero.
        ridge: added to the controls' products, in their mean size, so that few trajectories are not fitted wildly.

    Returns:
        mean_P and error_P.
    """
    R, C = len(values_RP), controls_RPC.shape[2]
    plain_P = values_RP.std(0, ddof=1) / math.sqrt(R)
    if C == 0:
        return values_RP.mean(0), plain_P
    controls_PRC = controls_RPC.transpose(1, 0, 2)
    values_PR = values_RP.T
    products_PCC = controls_PRC.transpose(0, 2, 1) @ controls_PRC
    size_P = np.trace(products_PCC, axis1=1, axis2=2) / C
    turned_PRC = controls_PRC @ np.linalg.inv(products_PCC + (ridge * size_P + 1e-30)[:, None, None] * np.eye(C))
    # one trajectory out of the sums at a time: its products by the formula of Sherman and Morrison
    others_PR = (values_PR.sum(1, keepdims=True) - values_PR) / (R - 1)
    fitted_PRC = (values_PR[:, None] @ controls_PRC) - values_PR[..., None] * controls_PRC
    fitted_PRC -= others_PR[..., None] * (controls_PRC.sum(1, keepdims=True) - controls_PRC)
    kept_RP = (values_PR - (turned_PRC * fitted_PRC).sum(2) / (1 - (turned_PRC * controls_PRC).sum(2))).T
    error_P = kept_RP.std(0, ddof=1) / math.sqrt(R)
    # both means are right, or the controls' are not zero: their difference has the difference of the variances
    moved_P, known_P = np.abs(kept_RP.mean(0) - values_RP.mean(0)), np.sqrt((plain_P**2 - error_P**2).clip(min=0))
    better = (error_P < plain_P) & (moved_P <= AGREE * known_P)
    return np.where(better, kept_RP.mean(0), values_RP.mean(0)), np.where(better, error_P, plain_P)


def _without_fluctuations(observables_RTP: np.ndarray, controls_RTC: np.ndarray, r: int) -> np.ndarray:
    """Trajectory r's averages less the combination of controls that fits the other trajectories best."""
    others_BP = np.delete(observables_RTP, r, axis=0).reshape(-1, observables_RTP.shape[2])
    controls_BC = np.delete(controls_RTC, r, axis=0).reshape(-1, controls_RTC.shape[2])
    weight_CP = np.linalg.lstsq(controls_BC, others_BP - others_BP.mean(0), rcond=None)[0]
    return observables_RTP[r].mean(0) - controls_RTC[r].mean(0) @ weight_CP
