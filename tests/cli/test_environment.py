"""Commands in foreign environments: ranks that others have left, drawing settings, no home, another system."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import matplotlib
import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.image import imread

from repro.cli.main import main
from repro.reporting import style
from repro.utils import launchers
from repro.utils.result_table import read_table
from tests.helpers.paths import ROOT

SMOKE = ("run", "fig4", "--profile", "smoke", "--only", "a-var-1x32-0s-Jy1.8", "--iterations", "2", "--jobs", "1")
FOREIGN = {
    "a rank": {"RANK": "1", "LOCAL_RANK": "1", "WORLD_SIZE": "2"},
    "a rank of a job that has no step": {"SLURM_PROCID": "1", "SLURM_JOB_ID": "7", "PYTHONIOENCODING": "ascii"},
    "ranks that are words": {"RANK": "abc", "JSM_NAMESPACE_RANK": "x", "MPLBACKEND": "module://nothing"},
    "no home": {"HOME": "/proc/nothing", "LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"},
}
RC = "text.usetex: True\naxes.grid: True\nfigure.facecolor: black\nsavefig.facecolor: black\nsavefig.bbox: tight\n"
NO_RANKS = dict.fromkeys((*launchers.LEFT_OVER, *launchers.SRUN, *launchers.TORCHRUN))


def start(*arguments: str, cwd: Path, **variables: str | None) -> subprocess.CompletedProcess[bytes]:
    """A command in an environment with these variables, without those that are None."""
    given = {**os.environ, "OMP_NUM_THREADS": "1", **NO_RANKS, **variables}
    environment = {name: value for name, value in given.items() if value is not None}
    return subprocess.run([sys.executable, *arguments], cwd=cwd, env=environment, capture_output=True, timeout=200)


@pytest.mark.parametrize("name", FOREIGN)
def test_a_run_is_a_run_whatever_others_have_left(name: str, tmp_path: Path) -> None:
    done = start("-m", "repro.cli", *SMOKE, "--wandb", "disabled", cwd=tmp_path, **FOREIGN[name])
    assert (done.returncode, b"Traceback" in done.stderr) == (0, False), done.stderr[-2000:]
    folder = tmp_path / "runs" / "fig4" / "smoke-changed"
    assert set(read_table(folder / "table.csv")["point"]) == {"var-1x32-0s-Jy1.8"}
    assert (folder / "fig4.png").stat().st_size > 0


@pytest.mark.parametrize("rank", ["1", "abc"])
def test_a_users_own_problem_with_a_rank_that_others_have_left(rank: str, tmp_path: Path) -> None:
    script = (
        "import os, repro\nfrom repro.physics.lindblad import SIGMA_MINUS\n"
        "model = repro.LindbladModel(repro.chain(1), jumps=[(0, SIGMA_MINUS, 1.0)])\n"
        "problem = repro.Problem(model, observables=['Z'])\n"
        "if __name__ == '__main__':\n"
        "    print(len(repro.solve(problem, 0.2, iterations=5, jobs=1).table), os.environ.get('RANK'))\n"
    )
    (tmp_path / "script.py").write_text(script)
    done = start("script.py", cwd=tmp_path, RANK=rank)
    assert done.returncode == 0, done.stderr[-2000:]
    rows, left = done.stdout.decode().split()
    assert int(rows) > 0
    assert left == ("1" if rank == "1" else "None")  # a number may be of use to the rest of the script


@pytest.mark.parametrize(
    "launcher",
    [{"TORCHELASTIC_RUN_ID": "x", "RANK": "abc"}, {"SLURM_JOB_ID": "1", "SLURM_STEP_ID": "0", "SLURM_PROCID": "abc"}],
)
def test_a_launchers_rank_that_is_no_number_is_one_line(launcher: dict[str, str], tmp_path: Path) -> None:
    done = start("-m", "repro.cli", *SMOKE, cwd=tmp_path, **launcher)
    assert done.returncode == 2
    name = "RANK" if "RANK" in launcher else "SLURM_PROCID"
    assert done.stderr.decode() == f"repro: rank 'abc' in {name}: expected a whole number\n"


def test_who_counts_as_a_launcher(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in NO_RANKS:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("SLURM_PROCID", "3")
    monkeypatch.setenv("SLURM_JOB_ID", "7")
    assert (launchers.by_srun(), launchers.rank()) == (False, 0)
    monkeypatch.setenv("SLURM_STEP_ID", "0")
    assert (launchers.by_srun(), launchers.rank()) == (True, 3)
    monkeypatch.setenv("RANK", "5")
    assert launchers.rank() == 3
    launchers.forget_left_over()
    assert (os.environ["SLURM_PROCID"], "RANK" in os.environ) == ("3", False)
    monkeypatch.setenv("RANK", "5")
    monkeypatch.setenv("TORCHELASTIC_RUN_ID", "x")
    launchers.forget_left_over()
    assert (launchers.by_torchrun(), launchers.by_srun(), launchers.rank()) == (True, False, 5)


def test_a_users_matplotlibrc_has_no_part_in_a_figure(tmp_path: Path) -> None:
    (tmp_path / "matplotlibrc").write_text(RC)
    for folder, given in (("own", str(tmp_path / "matplotlibrc")), ("none", None)):
        done = start(
            "-m", "repro.cli", "run", "fig1", "--runs", folder, "--wandb", "disabled", cwd=tmp_path, MATPLOTLIBRC=given
        )
        assert done.returncode == 0, done.stderr[-2000:]
    own, none = (tmp_path / folder / "fig1" / "quick" / "fig1.png" for folder in ("own", "none"))
    assert own.read_bytes() == none.read_bytes()


def test_the_style_starts_from_nothing_and_leaves_what_it_found(tmp_path: Path) -> None:
    with matplotlib.rc_context({"axes.grid": True, "figure.facecolor": "black", "savefig.bbox": "tight"}):
        before = dict(matplotlib.rcParams.items())
        with style.context():
            figure = Figure(figsize=(2, 1))
            figure.subplots()
        path = style.save(figure, tmp_path, "drawn", "")[0]
        assert dict(matplotlib.rcParams.items()) == before
    picture = imread(path)
    assert picture.shape[:2] == (300, 600)
    assert np.allclose(picture[0, 0, :3], 1)


def test_another_system_is_one_line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(sys, "platform", "win32")
        assert main(["list"]) == 2
    assert capsys.readouterr().err.splitlines() == [
        "repro: system 'win32': expected Linux or macOS (on Windows: its Subsystem for Linux)"
    ]


def test_the_command_loads_where_there_is_no_fcntl(tmp_path: Path) -> None:
    script = "import sys; sys.modules['fcntl'] = None; from repro.cli.main import main; sys.platform = 'win32'; "
    done = start("-c", script + "sys.exit(main(['list']))", cwd=tmp_path, PYTHONPATH=str(ROOT))
    assert done.returncode == 2
    assert done.stderr.decode().startswith("repro: system 'win32'") and done.stderr.count(b"\n") == 1


def test_no_file_needs_a_module_of_unix_at_its_top() -> None:
    unix = {"fcntl", "resource", "pwd", "grp", "termios"}
    for path in (ROOT / "repro").rglob("*.py"):
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.Import):
                assert not unix & {alias.name for alias in node.names}, path
            elif isinstance(node, ast.ImportFrom):
                assert node.module not in unix, path
