"""Steps of trajectories of gates are as short as strong couplings want, and trajectories as long as is asked."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import qutip

from repro.config.point import Point, point_of
from repro.physics import lattice
from repro.physics.lindblad import LindbladModel, heisenberg
from repro.physics.state_vector import product_state
from repro.references import of_point
from repro.references.beyond import prepare_beyond
from repro.references.cache import KNOWN_TO, Reference
from repro.references.gates import curves
from repro.references.gates.circuit import Circuit
from repro.references.gates.step import Step
from repro.references.of_point import exact_of
from repro.utils.errors import InputError
from tests.helpers.exact_values import Known
from tests.helpers.oracles import qutip_model

STRONG = heisenberg(lattice.ring(5), (20.0, 0.0, 10.0), B=10.0)
"""The paper's rings of ten times the energy."""
WEAK = heisenberg(lattice.ring(4), (1.0, 0.4, 0.7))


def largest_error(model: LindbladModel, h: float, t_end: float) -> float:
    """Of a Pauli matrix of any site, steps of length h beside QuTiP."""
    n, step = model.lattice.n_sites, Step(model, h)
    times = h * np.arange(round(t_end / h) + 1)
    psi = qutip.Qobj(product_state("left", n).astype(complex), dims=[[2] * n, [1] * n]).unit()
    operators = [
        qutip.expand_operator(P, [2] * n, k) for P in (qutip.sigmax(), qutip.sigmay(), qutip.sigmaz()) for k in range(n)
    ]
    (hamiltonian, jumps), options = qutip_model(model), {"rtol": 1e-9, "atol": 1e-11, "nsteps": 10_000}
    exact = qutip.mesolve(hamiltonian, psi.proj(), times, jumps, e_ops=operators, options=options).expect
    rho, off = psi.proj().full(), 0.0
    for k in range(1, len(times)):
        rho = step.density_matrix(rho)
        mine = [np.trace(operator.full() @ rho).real for operator in operators]
        off = max(off, float(np.abs(np.subtract(mine, [values[k] for values in exact])).max()))
    return off


def test_strong_couplings_take_shorter_steps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of ten times the energy would be 0.03 off, without a word, in the steps that others take."""
    Known(monkeypatch)
    longest = Circuit(STRONG, "left", 0.25).h
    found = curves.evolution(STRONG, "left", (tmp_path,), t_end=0.2, target=0.05)
    assert found.info["settings"]["dt"] == longest / 4
    assert largest_error(STRONG, longest, 0.25) > 0.02 > curves.FLOOR > largest_error(STRONG, longest / 4, 0.25)
    weak = curves.evolution(WEAK, "left", (tmp_path,), target=0.05)
    assert weak.info["settings"]["dt"] == Circuit(WEAK, "left", 1.0).h


def test_what_no_step_is_good_enough_for_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Known(monkeypatch)
    monkeypatch.setattr(curves, "HALVINGS", 1)
    with pytest.raises(InputError, match=r"steps of 0\.005\d* are 0\.0\d* off on a cluster"):
        curves.evolution(STRONG, "left", (tmp_path,), t_end=0.2)


def test_trajectories_end_where_they_reach_what_is_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    known = Known(monkeypatch)
    short = curves.evolution(WEAK, "up", (tmp_path,), t_end=0.2, target=0.05)
    assert 0.25 <= short.t_end < 0.5 and curves.stored(WEAK, "up", 0.2, (tmp_path,)) is not None
    assert curves.stored(WEAK, "up", 1.0, (tmp_path,)) is None
    curves.steady_state(WEAK, "up", (tmp_path,), target=0.05)
    count = len(known.seeds)
    long = curves.evolution(WEAK, "up", (tmp_path,), t_end=0.9, target=0.05)
    assert long.t_end == pytest.approx(10) and len(known.seeds) == count, "the steady state's are long enough"
    found = curves.stored(WEAK, "up", 0.2, (tmp_path,))
    assert found is not None and found.t_end == long.t_end
    with pytest.raises(InputError, match="to t = 11: expected at most 10"):
        curves.evolution(WEAK, "up", (tmp_path,), t_end=11.0)


def ring(t_end: float = 0.2) -> Point:
    more = {"estimator": "sampled", "n_samples": 9, "method": "tdvp", "tau": 0.01, "t_end": t_end}
    return point_of(lattice="ring", n_sites=20, Jx=19.0, Jy=0.0, Jz=10.0, B=10.0, initial="left", **more)


def test_a_ring_whose_matrix_products_end_too_early_is_compared_with_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They come before the part, and after matrix products that are whole."""
    known, point = Known(monkeypatch), ring()
    table = curves.curve_table(np.linspace(0, 0.08, 9), np.full((9, 3), 0.7), np.full((9, 3), 1e-3))
    part = Reference(table, {"kind": of_point.chain.KIND, KNOWN_TO: 0.08, "key": "part"})
    monkeypatch.setattr(of_point.chain, "stored", lambda *_: part)
    monkeypatch.setattr(of_point.chain, "evolution", lambda *_, **__: part)
    cut = exact_of(point, tmp_path)
    assert cut is not None and cut(0.05, "sigma_z") == pytest.approx(0.7) and math.isnan(cut(0.15, "sigma_z"))
    said: list[str] = []
    prepare_beyond([point], tmp_path, said.append)
    assert "exact values to t = 0.08 of 0.2" in said[0] and len(known.seeds) >= curves.LEAST
    exact = exact_of(point, tmp_path)
    assert exact is not None and exact.steady is None
    assert exact(0.15, "sigma_z") == pytest.approx(0.5, abs=0.1) and exact.error(0.15, "sigma_z") <= 0.005
    whole = replace(part, info={"kind": of_point.chain.KIND})
    monkeypatch.setattr(of_point.chain, "stored", lambda *_: whole)
    exact = exact_of(point, tmp_path)
    assert exact is not None and exact.curve is whole
