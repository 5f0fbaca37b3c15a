"""Problems that cannot be used: an InputError of one line in Python, and exit code 2 through the command."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import repro
from repro.cli.main import main
from repro.config.settings import change, from_leaves
from repro.physics.lindblad import SIGMA_MINUS, SIGMA_X, SIGMA_Z
from repro.physics.povm import tetrahedral
from repro.solver.problem_point import ProblemPoint, ProblemSystem
from repro.utils.errors import InputError

PREAMBLE = """
import numpy as np
import repro
from repro.physics.lindblad import SIGMA_MINUS, SIGMA_X, SIGMA_Z

chain = repro.chain(3)
decay = [(site, SIGMA_MINUS, 1.0) for site in chain.sites]
model = repro.LindbladModel(chain, jumps=decay)
"""

# a line of the user's file, what the message must say
FILES: list[tuple[str, str]] = [
    ("problem = repro.Problem(repro.LindbladModel(chain, [(0, SIGMA_MINUS)]))", "not Hermitian"),
    ("problem = repro.Problem(repro.LindbladModel(chain, [(3, SIGMA_X)]))", "the lattice has sites 0 to 2"),
    ("problem = repro.Problem(repro.LindbladModel(chain, [(0, np.eye(4))]))", "shape (4, 4), expected (2, 2)"),
    ("problem = repro.Problem(repro.LindbladModel(chain, (), [((0, 1), SIGMA_X)]))", "shape (2, 2), expected (4, 4)"),
    ("problem = repro.Problem(repro.LindbladModel(chain, (), [((1, 1), np.eye(4))]))", "two different sites"),
    ("problem = repro.Problem(repro.LindbladModel(chain, jumps=[(0, SIGMA_MINUS, -1.0)]))", "expected a number >= 0"),
    ("problem = repro.Problem(repro.LindbladModel(chain, jumps=[(0, SIGMA_X * np.nan, 1.0)]))", "not finite"),
    ("problem = repro.Problem(repro.LindbladModel(chain, jumps=[(0, SIGMA_X)]))", "jumps[0]: expected a tuple of 3"),
    ("problem = repro.Problem(model, povm=np.stack([np.eye(2) / 4] * 4))", "not informationally complete"),
    ("problem = repro.Problem(model, povm=np.zeros((3, 2, 2)))", "frame of shape (3, 2, 2), expected (4, 2, 2)"),
    ("problem = repro.Problem(model, povm='sic')", "unknown povm 'sic'"),
    ("problem = repro.Problem(model, 'sideways')", "unknown product state 'sideways'"),
    ("problem = repro.Problem(model, ['up', 'down'])", "2 entries, expected one for all or one for each of 3 sites"),
    ("problem = repro.Problem(model, (1.0, 1.0, 0.0))", "length of at most 1"),
    ("problem = repro.Problem(model, observables=['X0 W1'])", "'W1' is no Pauli matrix"),
    ("problem = repro.Problem(model, observables=['X0 Z0'])", "site 0 occurs twice"),
    ("problem = repro.Problem(model, observables=['X7'])", "the lattice has sites 0 to 2"),
    ("problem = repro.Problem(model, correlators=[('Z0', 'X0')])", "both have site 0"),
    ("problem = repro.Problem(model, name='')", "expected printable text"),
    ("problem = repro.Problem(chain)", "expected a LindbladModel"),
    ("problem = repro.Problem(model, colour='red')", "TypeError"),
    ("problem = 3", "defines no `problem`"),
    ("probelm = repro.Problem(model)", "defines no `problem`"),
    ("problem = repro.Problem(modle)", "line 9: NameError: name 'modle'"),
    ("problem = (", "line 9"),
    ("problem = repro.Problem(repro.LindbladModel(repro.graph([(0, 0)])))", "does not join two of the sites"),
    ("problem = repro.Problem(repro.LindbladModel(repro.graph(5)))", "expected pairs of sites or a NetworkX graph"),
    ("raise SystemExit(3)", "SystemExit"),
]
GOOD = "problem = repro.Problem(model)"
OPTIONS: list[tuple[tuple[str, ...], str]] = [
    (("--t-end", "-1"), "t_end = -1.0: expected a number above 0"),
    (("--t-end", "soon"), "--t-end = soon: expected a number"),
    (("--step", "0"), "step = 0.0"),
    (("--seeds", "0"), "seeds = 0"),
    (("--seed", "-1"), "seed = -1"),
    (("--iterations", "0"), "iterations = 0"),
    (("--method", "exact"), "unknown method 'exact'"),
    (("--method", "variational", "--t-end", "1"), "it finds steady states alone"),
    (("--estimator", "naive"), "unknown estimator 'naive'"),
    (("--estimator", "sampled", "--n-samples", "0"), "n_samples = 0: expected a number above 0"),
    (("--width", "31"), "width = 31: expected an even number"),
    (("--jobs", "0"), "jobs = 0"),
    (("--device", "tpu"), "device 'tpu'"),
    (("--memory", "0"), "memory = 0"),
]


def refused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    """The one line of a command that ends with exit code 2."""
    assert main(arguments) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    (line,) = captured.err.splitlines()
    assert line.startswith("repro: ")
    return line


def file_with(line: str, folder: Path) -> Path:
    file = folder / "mine.py"
    file.write_text(PREAMBLE + line + "\n")
    return file


@pytest.mark.parametrize(("line", "said"), FILES, ids=[line for line, _ in FILES])
def test_a_file_that_cannot_be_used(line: str, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    runs = tmp_path / "runs"
    message = refused(["solve", str(file_with(line, tmp_path)), "--runs", str(runs)], capsys)
    assert said in message
    assert "mine.py" in message
    assert not runs.exists()


@pytest.mark.parametrize(("options", "said"), OPTIONS, ids=[" ".join(options) for options, _ in OPTIONS])
def test_options_that_cannot_be_used(
    options: tuple[str, ...], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    runs = tmp_path / "runs"
    arguments = ["solve", str(file_with(GOOD, tmp_path)), "--runs", str(runs), *options]
    assert said in refused(arguments, capsys)
    assert not runs.exists()


def test_a_file_with_a_zero_byte_has_no_line_to_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "nul.py").write_bytes(b"x = 1\0\n")
    message = refused(["solve", str(tmp_path / "nul.py")], capsys)
    assert "null byte" in message and "line" not in message and "nul.py: " in message


def test_a_file_that_is_not_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "No such file" in refused(["solve", str(tmp_path / "none.py")], capsys)


def test_the_users_own_code_may_raise_anything_in_a_function(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = file_with("def problem():\n    return 1 / 0", tmp_path)
    assert "line 10: ZeroDivisionError" in refused(["solve", str(file)], capsys)


def test_being_stopped_while_a_file_is_read_is_no_bad_input(tmp_path: Path) -> None:
    assert (
        main(["solve", str(file_with("import repro.running.stopping; raise repro.running.stopping.Stopped", tmp_path))])
        == 130
    )


def closed() -> repro.Problem:
    lattice = repro.chain(2)
    return repro.Problem(repro.LindbladModel(lattice, two_site=[((0, 1), np.kron(SIGMA_Z, SIGMA_Z))]))


def large(**more: Any) -> repro.Problem:
    return repro.Problem(repro.LindbladModel(repro.chain(13), jumps=[(0, SIGMA_MINUS, 1.0)]), **more)


CALLS: list[tuple[str, Callable[[Path], object]]] = [
    ("problem: expected a Problem", lambda runs: repro.solve("mine.py", 1.0, runs=runs)),  # type: ignore[arg-type]
    ("neither t_end nor steady", lambda runs: repro.solve(closed(), runs=runs)),
    ("steady state of a model without jump operators", lambda runs: repro.solve(closed(), steady=True, runs=runs)),
    ("unknown setting 'witdh'; did you mean 'width'", lambda runs: repro.solve(closed(), 1.0, runs=runs, witdh=8)),
    ("t_end = nan", lambda runs: repro.solve(closed(), float("nan"), runs=runs)),
    ("t_end = '1'", lambda runs: repro.solve(closed(), "1", runs=runs)),  # type: ignore[arg-type]
    ("runs = 5: expected a folder", lambda runs: repro.solve(closed(), 1.0, runs=5)),  # type: ignore[arg-type]
    ("at most 12 sites", lambda runs: repro.solve(large(), 1.0, estimator="enumeration", runs=runs)),
    ("purity: 13 sites are sampled", lambda runs: repro.solve(large(observables="purity"), 1.0, runs=runs)),
    ("width = 8.5", lambda runs: repro.solve(closed(), 1.0, runs=runs, width=8.5)),
    ("cannot be read from its text", lambda runs: ProblemSystem("{}")),
    ("problem = ", lambda runs: ProblemSystem(closed())),  # type: ignore[arg-type]
]


@pytest.mark.parametrize(("said", "call"), CALLS, ids=[said for said, _ in CALLS])
def test_calls_that_cannot_be_used(said: str, call: Callable[[Path], object], tmp_path: Path) -> None:
    with pytest.raises(InputError) as error:
        call(tmp_path / "runs")
    assert said in str(error.value)
    assert "\n" not in str(error.value)
    assert not (tmp_path / "runs").exists()


def test_too_little_memory_for_the_estimator_asked_for(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("repro.running.memory_check.free_memory", lambda device: 2**20)
    with pytest.raises(InputError, match="enumeration of 2 sites does not fit"):
        repro.solve(closed(), 1.0, estimator="enumeration", runs=tmp_path)


def test_a_state_per_site_has_one_visiting_order() -> None:
    model = repro.LindbladModel(repro.ring(3), one_site=[(site, SIGMA_X) for site in range(3)])
    with pytest.raises(InputError, match="with an initial state per site"):
        from_leaves(
            ProblemPoint, {"problem": repro.Problem(model, ["up", "up", "plus"]).text, "strings": "translations"}
        )
    alike = from_leaves(ProblemPoint, {"problem": repro.Problem(model, "left").text, "strings": "translations"})
    assert change(alike, seed=1).ansatz.strings == "translations"


def test_an_observable_that_was_not_asked_for(tmp_path: Path) -> None:
    solution = repro.solve(closed(), 0.1, runs=tmp_path, iterations=1, quiet=True, exact=False)
    with pytest.raises(InputError, match="unknown observable 'X9'"):
        solution.values("X9")


def test_a_povm_of_ones_own_is_kept() -> None:
    frame = tetrahedral().frame[[2, 0, 3, 1]]
    assert (repro.Problem(closed().model, povm=frame).povm.frame == frame).all()


@pytest.mark.parametrize("initial", [[0, 0, 1], np.array([0.0, 0.0, 1.0]), [0.1, 0.2, 0.3]], ids=repr)
def test_three_numbers_for_three_sites_are_ambiguous(initial: object) -> None:
    model = repro.LindbladModel(repro.chain(3), one_site=[(0, SIGMA_X)])
    with pytest.raises(InputError, match="one Bloch vector or three states") as error:
        repro.Problem(model, initial)  # type: ignore[arg-type]
    assert "the tuple (" in str(error.value) and "a list of three states" in str(error.value)


def test_a_tuple_is_a_bloch_vector_and_states_are_a_list() -> None:
    model = repro.LindbladModel(repro.chain(3), one_site=[(0, SIGMA_X)])
    assert repro.Problem(model, (0, 0, 1)).bloch_vectors == ((0, 0, 1),) * 3
    each = repro.Problem(model, ["up", (0, 0, -1), "plus"]).bloch_vectors
    assert each == ((0, 0, 1), (0, 0, -1), (1, 0, 0))


def test_a_start_that_draws_cannot_leave_is_refused_and_what_is_told_helps(tmp_path: Path) -> None:
    model = repro.LindbladModel(repro.ring(2), one_site=[(0, SIGMA_X)], jumps=[(0, SIGMA_MINUS, 1.0)])
    settings = {"t_end": 0.1, "estimator": "sampled", "n_samples": 20, "iterations": 1, "runs": tmp_path}
    for method in ("collocation", "tdvp", "projection", "dynamics"):
        with pytest.raises(InputError, match=r"outcome 0 of site 1 of .* expected povm tetrahedral-cubic"):
            repro.solve(repro.Problem(model, ["up", "down"]), method=method, quiet=True, **settings)
    assert not any(tmp_path.iterdir())
    told = repro.Problem(model, ["up", "down"], povm="tetrahedral-cubic")
    assert len(repro.solve(told, method="tdvp", quiet=True, exact=False, **settings).table)
