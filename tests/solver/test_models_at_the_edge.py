"""Models that the docs allow and that a rule about something else refused, and starts that a search does not know."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import repro
from repro.physics.lattice import keeps_bonds
from repro.physics.lindblad import SIGMA_MINUS, SIGMA_X, SIGMA_Y, SIGMA_Z
from repro.solver.plan import STEADY, Request, points
from repro.solver.which_state import which_state
from tests.helpers.solving import GIB, TINY, solved

ZZ = np.kron(SIGMA_Z, SIGMA_Z)
XY = np.kron(SIGMA_X, SIGMA_X) + np.kron(SIGMA_Y, SIGMA_Y)
RING = repro.ring(4)
DECAY = [(site, SIGMA_MINUS, 1.0) for site in RING.sites]
UNEVEN = {
    "a bond whose coupling is zero": {"two_site": [(b, J * ZZ) for b, J in zip(RING.bonds, (1, 1, 1, 0), strict=True)]},
    "a coupling across": {"two_site": [(bond, ZZ) for bond in (*RING.bonds, (0, 2))]},
    "one bond alone": {"two_site": [((1, 2), ZZ)]},
    "a jump on one bond": {"jumps": [*DECAY, ((0, 1), np.kron(SIGMA_MINUS, SIGMA_X), 0.5)]},
}


@pytest.mark.parametrize("name", UNEVEN)
def test_terms_on_a_ring_need_not_be_on_every_bond(name: str, tmp_path: Path) -> None:
    model = repro.LindbladModel(RING, **({"jumps": DECAY} | UNEVEN[name]))
    problem = repro.Problem(model, "up", observables=["Z*"])
    again = repro.Problem.from_text(problem.text)
    assert repro.Problem.from_text(again.text).text == again.text and again.model.lattice.periods == ()
    solution = solved(problem, tmp_path, t_end=0.2, iterations=5, exact=False)
    assert len(solution.table) > 8


def test_an_even_ring_keeps_its_translations() -> None:
    model = repro.LindbladModel(RING, two_site=[(bond, ZZ) for bond in RING.bonds], jumps=DECAY)
    assert repro.Problem.from_text(repro.Problem(model).text).model.lattice.periods == (4,)


def test_which_bonds_translations_keep() -> None:
    square = repro.rectangle(3, 3)
    assert keeps_bonds((3, 3), square.bonds) and keeps_bonds((), ((0, 1),)) and keeps_bonds((3, 3), ())
    assert not keeps_bonds((3, 3), square.bonds[:-1])
    assert keeps_bonds((3, 3), [(k, 3 * (k // 3) + (k + 1) % 3) for k in range(9)]), "rows alone"


def test_an_entry_too_small_to_act_is_none(tmp_path: Path) -> None:
    """Couplings that fall exponentially end there."""
    chain = repro.chain(2)
    decay = [(site, SIGMA_MINUS, 1.0) for site in chain.sites]
    tiny = repro.LindbladModel(chain, one_site=[(0, 1e-300 * SIGMA_X)], jumps=decay)
    plain = repro.LindbladModel(chain, jumps=decay)
    natural = [repro.Problem(model, "up").in_natural_units().text for model in (tiny, plain)]
    assert natural[0] == natural[1]
    assert len(solved(repro.Problem(tiny, "up", observables=["Z"]), tmp_path, t_end=0.2, iterations=5).table)


def test_a_search_says_that_it_does_not_know_the_start(tmp_path: Path) -> None:
    """Z0 + Z1 stays what it was; with decay on both sites nothing does."""
    chain = repro.chain(2)
    dephased = repro.LindbladModel(chain, two_site=[((0, 1), 0.5 * XY)], jumps=[(k, SIGMA_Z, 0.3) for k in range(2)])
    problem = repro.Problem(dephased, ["up", (0, 0, 0.2)], observables=["Z*"])
    settings = {"steady": True, "method": "variational", "iterations": 5, "exact": False}
    notes = solved(problem, tmp_path, t_end=None, **settings).notes
    assert any("a search does not know the start" in note for note in notes)
    decaying = repro.LindbladModel(
        chain, two_site=[((0, 1), 0.5 * XY)], jumps=[(k, SIGMA_MINUS, 1.0) for k in range(2)]
    )
    for model, method, expected in (
        (decaying, "variational", 0),
        (dephased, "projection", 0),
        (dephased, "variational", 1),
    ):
        natural = repro.Problem(model, "up", observables=["Z*"]).in_natural_units()
        request = Request(steady=True, method=method, changes={k: v for k, v in TINY.items() if k != "quiet"})
        steady = points(natural, request, GIB, "cpu")[STEADY]
        assert sum("a search" in note for note in which_state(natural, steady, 1.0)) == expected
