"""Five models that the paper does not have, each with what is measured and what is solved."""

from __future__ import annotations

from typing import Any

import networkx as nx
import numpy as np

import repro
from repro.physics.lindblad import PAULIS, SIGMA_MINUS, SIGMA_PLUS, SIGMA_X, SIGMA_Z
from tests.helpers.systems import P_UP

XX, YY, ZZ = (np.kron(pauli, pauli) for pauli in PAULIS.values())
ZXY = ("X", "Y", "Z", "Z*")


def currents(lattice: repro.Lattice) -> dict[str, list[tuple[float, str]]]:
    """The spin current through every bond."""
    return {f"current_{i}{j}": [(1.0, f"X{i} Y{j}"), (-1.0, f"Y{i} X{j}")] for i, j in lattice.bonds}


def random_field_xxz() -> tuple[repro.Problem, dict[str, Any]]:
    """Open XXZ chain, a field and a rate of its own on every site, a coupling on every bond, a state per site."""
    rng, lattice = np.random.default_rng(1), repro.chain(5)
    model = repro.LindbladModel(
        lattice,
        one_site=[(site, rng.uniform(-1, 1) * SIGMA_Z) for site in lattice.sites],
        two_site=[(bond, rng.uniform(0.3, 0.7) * (XX + YY + 0.5 * ZZ)) for bond in lattice.bonds],
        jumps=[(site, SIGMA_MINUS, rng.uniform(0.5, 1.5)) for site in lattice.sites],
    )
    initial = ["up", "down", "up", (0.5, 0.2, 0.1), "plus"]
    problem = repro.Problem(model, initial, observables=[*ZXY, "purity"], correlators=["Z"], name="random-field-xxz")
    return problem, {"t_end": 2.0}


def dephased_hopping() -> tuple[repro.Problem, dict[str, Any]]:
    """XX chain from a Neel state under dephasing: magnetisation spreads, and is kept."""
    lattice = repro.chain(4)
    model = repro.LindbladModel(
        lattice,
        two_site=[(bond, 0.5 * (XX + YY)) for bond in lattice.bonds],
        jumps=[(site, SIGMA_Z, 0.2 + 0.1 * site) for site in lattice.sites],
    )
    problem = repro.Problem(
        model, ["up", "down"] * 2, observables=["Z*", "Z", currents(lattice)], name="dephased-hopping"
    )
    return problem, {"t_end": 2.0}


def driven_star() -> tuple[repro.Problem, dict[str, Any]]:
    """Ising star, which is no lattice: its steady state."""
    lattice = repro.graph(nx.star_graph(4))
    model = repro.LindbladModel(
        lattice,
        one_site=[(site, 0.7 * SIGMA_X) for site in lattice.sites],
        two_site=[(bond, 0.4 * ZZ) for bond in lattice.bonds],
        jumps=[(site, SIGMA_MINUS, 1.0) for site in lattice.sites],
    )
    correlators = [("Z0", "Z1"), ("Z1", "Z2"), ("X0", "Y3")]
    return repro.Problem(model, correlators=correlators, name="driven-star"), {"steady": True}


def infection() -> tuple[repro.Problem, dict[str, Any]]:
    """Quantum contact process on a ring: a site is excited beside an excited one (two-site jumps), and recovers."""
    lattice = repro.ring(4)
    spread = [(pair, np.kron(P_UP, SIGMA_PLUS), 0.8) for i, j in lattice.bonds for pair in ((i, j), (j, i))]
    model = repro.LindbladModel(
        lattice,
        one_site=[(site, 0.4 * SIGMA_X) for site in lattice.sites],
        jumps=[*spread, *((site, SIGMA_MINUS, 1.0) for site in lattice.sites)],
    )
    initial = ["up", "down", "down", "down"]
    return repro.Problem(model, initial, observables=ZXY, correlators=[("Z0", "Z2")], name="infection"), {"t_end": 2.0}


def boundary_driven() -> tuple[repro.Problem, dict[str, Any]]:
    """XXZ chain pumped at one end and emptied at the other, some decay and dephasing between, in the 4-Pauli POVM."""
    lattice = repro.chain(4)
    model = repro.LindbladModel(
        lattice,
        two_site=[(bond, 0.5 * (XX + YY) + 0.2 * ZZ) for bond in lattice.bonds],
        jumps=[
            (0, SIGMA_PLUS, 1.0),
            (3, SIGMA_MINUS, 1.0),
            *((site, SIGMA_MINUS, 0.2) for site in (1, 2)),
            *((site, SIGMA_Z, 0.1) for site in lattice.sites),
        ],
    )
    observables = ["Z", "Z*", currents(lattice)]
    problem = repro.Problem(model, "plus", "pauli4", observables, [("Z0", "Z3")], name="boundary-driven")
    return problem, {"t_end": 2.0, "steady": True}


MODELS = {make.__name__: make for make in (random_field_xxz, dephased_hopping, driven_star, infection, boundary_driven)}
