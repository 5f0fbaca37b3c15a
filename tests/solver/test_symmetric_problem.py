"""`repro.solve` and `repro solve` with a distribution symmetric under a rotation of the spins."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import repro
from repro.cli.main import main
from repro.physics.lindblad import IDENTITY, SIGMA_MINUS, SIGMA_X, SIGMA_Y, SIGMA_Z
from repro.utils.errors import InputError
from tests.helpers.solving import TINY, solved

CUBIC = "tetrahedral-cubic"
PAIRS = 0.9 * np.kron(SIGMA_X, SIGMA_X) + 0.5 * np.kron(SIGMA_X, SIGMA_Y)
FILE = """
import numpy as np
import repro
from repro.physics.lindblad import SIGMA_MINUS, SIGMA_X, SIGMA_Y, SIGMA_Z

chain = repro.chain(3)
model = repro.LindbladModel(
    chain,
    one_site=[(site, 0.3 * {field}) for site in chain.sites],
    two_site=[(bond, np.kron(SIGMA_X, SIGMA_X) + 0.4 * np.kron(SIGMA_X, SIGMA_Y)) for bond in chain.bonds],
    jumps=[(site, SIGMA_MINUS, 1.0) for site in chain.sites],
)
problem = repro.Problem(model, {initial}, {povm})
"""
OWN = "[(np.eye(2) + v[0] * SIGMA_X + v[1] * SIGMA_Y + v[2] * SIGMA_Z) / 4 for v in 3**-0.5 * np.array({})]"
TWISTED = OWN.format("[(1, -1, 1), (-1, 1, 1), (1, 1, -1), (-1, -1, -1)]")
"""The other tetrahedron of the same cube, its outcomes in another order."""


def model(field: np.ndarray = SIGMA_Z, **more: Any) -> repro.LindbladModel:
    chain = repro.chain(3)
    return repro.LindbladModel(
        chain,
        one_site=[(site, 0.3 * field) for site in chain.sites],
        two_site=[(bond, PAIRS) for bond in chain.bonds],
        jumps=[(site, SIGMA_MINUS, 1.0) for site in chain.sites],
        **more,
    )


def across(table: pd.DataFrame) -> pd.Series:
    """Means of X and Y, of sites and averaged."""
    return table[table["observable"].str.fullmatch(r"[XY]\d?")]["mean"]


@pytest.mark.parametrize(
    ("povm", "options"),
    [(f"'{CUBIC}'", ("--steady", "--method", "variational")), (f"np.stack({TWISTED})", ("--t-end", "0.6"))],
    ids=["search", "evolution, own POVM"],
)
def test_means_across_the_axis_vanish_from_the_command(povm: str, options: tuple[str, ...], tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    file.write_text(FILE.format(field="SIGMA_Z", initial="['up', 'down', (0, 0, 0.5)]", povm=povm))
    tiny = ("--layers", "1", "--width", "8", "--heads", "1", "--iterations", "40", "--no-exact")
    out, runs = tmp_path / "out", tmp_path / "runs"
    assert (
        main(["solve", str(file), *options, *tiny, "--spin-symmetry", "z", "--out", str(out), "--runs", str(runs)]) == 0
    )
    means = across(pd.read_csv(out / "table.csv"))
    assert len(means) >= 8 and means.abs().max() < 1e-7


def test_they_do_not_without(tmp_path: Path) -> None:
    problem = repro.Problem(model(), povm=CUBIC)
    request: dict[str, Any] = {"steady": True, "method": "variational", "iterations": 40, "exact": False}
    assert across(solved(problem, tmp_path, None, **request).table).abs().max() > 1e-3
    assert across(solved(problem, tmp_path, None, **request, spin_symmetry="z").table).abs().max() < 1e-7


def test_draws_give_them_within_their_error(tmp_path: Path) -> None:
    problem = repro.Problem(model(), povm=CUBIC, observables=["X", "Y", "Z"])
    request: dict[str, Any] = {"estimator": "sampled", "n_samples": 100, "iterations": 20, "exact": False}
    table = solved(problem, tmp_path, 0.4, **request, spin_symmetry="z").table
    drawn = table[table["observable"] != "Z"]
    assert len(drawn) and (drawn["mean"].abs() < 4.5 * drawn["error"]).all()


def test_a_start_that_differs_from_site_to_site_keeps_its_own_outcomes(tmp_path: Path) -> None:
    problem = repro.Problem(model(), ["up", "down", (0, 0, 0.5)], CUBIC, ["Z*"])
    table = solved(problem, tmp_path, 0.2, iterations=10, spin_symmetry="z", exact=False).table
    first = table[table["t"] == 0].set_index("observable")["mean"]
    assert first.tolist() == pytest.approx([1.0, -1.0, 0.5], abs=1e-5)


def test_an_evolution_is_close_to_exact(tmp_path: Path) -> None:
    problem = repro.Problem(model(), povm=CUBIC, observables=["Z*"], correlators=[("X0", "Y1")])
    settings = {"layers": 1, "width": 16, "heads": 4, "feedforward": 16, "iterations": 400}
    table = solved(problem, tmp_path, 0.8, step=0.4, spin_symmetry="z", **settings).table
    assert (table["mean"] - table["exact"]).abs().max() < 0.02
    assert table["exact"].max() - table["exact"].min() > 0.5


REFUSED: list[tuple[dict[str, str], str]] = [
    ({"povm": "'tetrahedral'"}, "POVM 'tetrahedral': a rotation by pi about z does not permute its outcomes"),
    ({"field": "SIGMA_X"}, "L is not symmetric under the rotation by pi about z"),
    ({"initial": "['up', 'up', 'plus']"}, "the initial state is not symmetric under the rotation by pi about z"),
]


@pytest.mark.parametrize(("changes", "said"), REFUSED, ids=[said for _, said in REFUSED])
def test_what_does_not_have_the_symmetry_is_refused(
    changes: dict[str, str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, runs = tmp_path / "mine.py", tmp_path / "runs"
    file.write_text(FILE.format(**{"field": "SIGMA_Z", "initial": "'up'", "povm": f"'{CUBIC}'"} | changes))
    assert main(["solve", str(file), "--t-end", "1", "--spin-symmetry", "z", "--runs", str(runs)]) == 2
    captured = capsys.readouterr()
    (line,) = captured.err.splitlines()
    assert line.startswith("repro: ") and said in line
    assert captured.out == "" and not runs.exists()


def test_a_term_that_another_one_takes_back_is_no_reason_to_refuse(tmp_path: Path) -> None:
    """The sum decides: a field along x on a site, and minus that in the term of a pair."""
    chain = repro.chain(2)
    field, pair = [(1, 0.7 * SIGMA_X)], [((0, 1), -0.7 * np.kron(IDENTITY, SIGMA_X) + PAIRS)]
    jumps = [(site, SIGMA_MINUS, 1.0) for site in chain.sites]
    request: dict[str, Any] = {"iterations": 5, "exact": False, "spin_symmetry": "z"}
    solved(repro.Problem(repro.LindbladModel(chain, field, pair, jumps), povm=CUBIC), tmp_path, 0.1, **request)
    with pytest.raises(InputError, match="L is not symmetric"):
        solved(repro.Problem(repro.LindbladModel(chain, (), pair, jumps), povm=CUBIC), tmp_path, 0.1, **request)


def test_a_nonsense_symmetry_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="unknown spin_symmetry 'w'"):
        repro.solve(repro.Problem(model(), povm=CUBIC), 1.0, runs=tmp_path, **TINY, spin_symmetry="w")
