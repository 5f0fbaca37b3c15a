"""Arguments that cannot be used, of every subcommand: one clear line, exit code 2, nothing written.

Which values a point refuses is tested with the points; here stands one of each kind, and what only a command line can
hold: strange text, huge numbers, options twice, occupied places.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import torch

from repro.cli.main import main
from repro.utils.launchers import SRUN
from tests.helpers.command_line import EVOLVED, RUN, SEARCHED, lines_of

FILE = "occupied"  # a file that is there before the command starts
LACKING = f"cuda:{torch.cuda.device_count()}"

# command line, what its message must say
REFUSED: list[tuple[tuple[str, ...], str]] = [
    (("run", "fig4", "--profile", "smok"), "unknown profile 'smok'; did you mean 'smoke'"),
    ((*RUN, "--device", "tpu"), "device 'tpu': expected cpu, cuda or cuda:N"),
    ((*RUN, "--device", "cpu:1"), "device 'cpu:1'"),
    ((*RUN, "--device", LACKING), f"device '{LACKING}'"),
    ((*RUN, "--rows", "5", "--cols", "5"), "25 sites"),
    ((*RUN, "--tau", "fast"), "--tau = fast: expected a number"),
    ((*RUN, "--lattice", "ring", "--strings", "8s"), "strings '8s' on a 10-ring"),
    ((*RUN, "--lattice", "hexagonal"), "unknown lattice"),
    ((*RUN, "--strings", "3s"), "unknown string mixture '3s'"),
    ((*RUN, "--model", "hubbard"), "unknown model"),
    ((*RUN, "--initial", "sideways"), "unknown initial"),
    ((*RUN, "--method", "exact"), "unknown method"),
    ((*RUN, "--n-samples", "12.5"), "--n-samples = 12.5: expected a whole number or exact"),
    ((*RUN, "--estimator", "naive"), "expected the number of draws"),
    ((*RUN, "--method", "projection", "--estimator", "naive", "--n-samples", "9"), "expected estimator enumeration or"),
    ((*RUN, "--method", "collocation", "--estimator", "naive", "--n-samples", "9"), "method collocation: expected"),
    ((*RUN, "--method", "projection", "--sampling", "unmasked", "--n-samples", "9"), "and sampling masked"),
    ((*RUN, "--method", "tdvp", "--n-samples", "1"), "method tdvp with 1 draw: expected at least 2, or exact sums"),
    ((*RUN, "--dense-output", "4"), "has no setting dense_output"),
    ((*RUN, "--method", "projection", "--dense-output", "0"), "expected a number above 0"),
    ((*RUN, "--width", "31"), "width = 31: expected an even number"),
    ((*RUN, "--heads", "3"), "heads = 3: expected a divisor of the width 32"),
    ((*RUN, "--seed", "x"), "--seed = x: expected a whole number"),
    ((*RUN, "--periodic", "maybe"), "invalid choice 'maybe' for argument '--periodic'"),
    ((*RUN, "--jobs", "many"), "--jobs"),
    ((*RUN, "--jobs", "0"), "jobs = 0"),
    ((*RUN, "--threads", "-2"), "threads = -2"),
    ((*RUN, "--wandb", "sometimes"), "unknown tracking mode 'sometimes'"),
    ((*RUN, "--learning-rat", "1e-3"), "did you mean --learning-rate?"),
    (("run",), "required"),
    ((*RUN, "--seed", "99999999999999999999"), "seed = 99999999999999999999: expected at most 9223372036854775807"),
    ((*EVOLVED, "--tau", "1e400"), "tau = inf"),
    ((*EVOLVED, "--tau", "1e-320"), "expected at most 10000000 time steps"),
    ((*EVOLVED, "--t-end", "1e300"), "t_end = 1e+300: expected"),
    (
        (*RUN, "--iterations", "100000000000000000000"),
        "iterations = 100000000000000000000: expected at most 1000000000",
    ),
    ((*RUN, "--iterations", "1e3"), "--iterations = 1e3: expected a whole number"),
    ((*RUN, "--cols", "100000000000"), "cols = 100000000000: expected at most"),
    ((*RUN, "--rows", "1000", "--cols", "1000"), "rectangle 1000x1000: sites = 1000000: expected at most 1024"),
    ((*RUN, "--width", "1000000000"), "memory: "),
    ((*RUN, "--layers", "1000000"), "memory: "),
    ((*RUN, "--n-samples", "1000000000"), "memory: "),
    ((*RUN, "--Jy", "1e39"), "Jy = 1e+39: expected a finite number"),
    ((*RUN, "--learning-rate", "1e300"), "learning_rate = 1e+300: expected a finite number"),
    ((*RUN, "--gamma", "0"), "gamma = 0: expected gamma above 0"),
    ((*SEARCHED, "--objective", "sign", "--mixing", "1.5"), "mixing = 1.5: expected at most 1"),
    ((*SEARCHED, "--mixing", "0.5"), "has no setting mixing"),
    ((*EVOLVED, "--step-factor", "-1"), "step_factor = -1.0"),
    ((*RUN, "--objective", "sgn"), "did you mean 'sign'"),
    ((*EVOLVED, "--objective", "sign"), "unknown objective 'sign' (expected one of: paper, interpolated)"),
    ((*EVOLVED, "--learning-rate", "0.1"), "has no setting learning_rate"),
    ((*SEARCHED, "--V", "1"), "has no setting V"),
    ((*RUN, "--feedforward", "0"), "feedforward = 0: expected a number above 0"),
    ((*RUN, "--strings", "translations", "--periodic", "False"), "strings 'translations' on a "),
    ((*RUN, "--memory", "0"), "memory = 0.0 GiB: expected a number above 0"),
    ((*RUN, "--memory", "nan"), "memory = nan GiB"),
    ((*RUN, "--memory", "1e308"), "memory = 1e+308 GiB"),
    ((*RUN, "--memory", "much"), "--memory = much: expected a number"),
    ((*RUN, "--jobs", "1.5"), "--jobs = 1.5: expected a whole number"),
    ((*RUN, "--jobs", "99999999999999"), "jobs = 99999999999999: expected at most 4096"),
    ((*RUN, "--threads", "100000000000000"), "threads = 100000000000000: expected at most 4096"),
    ((*RUN, "--devices", "0"), "devices = 0: expected at least 1"),
    ((*RUN, "--nodes", "2"), "enumeration runs on one device"),
    ((*RUN, "--device", "cuda:\u00b2"), "device 'cuda:\u00b2': expected cpu, cuda or cuda:N"),
    ((*RUN, "--device", "cuda:-1"), "device 'cuda:-1': expected"),
    ((*RUN, "--only"), "--only: expected at least one value"),
    ((*RUN, "--only", "--list"), "--only: expected at least one value"),
    ((*RUN, "--only", ""), "empty text after --only"),
    ((*RUN, "--only", "["), "no point of fig4 (smoke) matches '['"),
    ((*RUN, "--only", "a", "--only", "b"), "--only is given 2 times"),
    ((*RUN, "--seed", "1", "--seed=2"), "--seed is given 2 times"),
    ((*RUN, "--t-end", "1", "--t_end", "2"), "--t-end is given 2 times"),
    ((*RUN, "--runs", ""), "empty text after --runs"),
    ((*RUN, "--runs="), "empty text after --runs="),
    ((*RUN, "--runs", "a\0b"), "expected printable text"),
    ((*RUN, "--runs", f"{FILE}/x"), f"folder '{FILE}/x' cannot be made: Not a directory"),
    ((*RUN, "--runs", "/proc/nothing"), "folder '/proc/nothing' cannot be made"),
    ((*RUN, "--wandb", "ONLINE"), "unknown tracking mode 'ONLINE'; did you mean 'online'"),
    (("run", "fig\udcff"), "expected printable text in UTF-8"),
    (("run", "fig4\n"), "expected printable text"),
    (("run", "fig4", "fig3"), "Unrecognized options: fig3"),
    (("run", "FIG4"), "did you mean 'fig4'"),
    (("run", "../fig4"), "unknown figure '../fig4'"),
    (("run", "fig1", "--tau", "0.1"), "fig1 (quick) has no points: there is no tau to change"),
    (("list", "fig5"), "unknown figure"),
    (("list", "fig4", "--profile", "huge"), "unknown profile"),
    ((), "Expected one of {list, run"),
    (("simulate",), "Unrecognized options: simulate"),
    (("plot",), "expected a figure or --all"),
    (("plot", "fig9"), "unknown figure"),
    (("publish", "fig4", "--results", "shipped"), "figure 'fig4': nothing is computed in 'runs/fig4'"),
    (("publish", "fig7"), "unknown figure"),
    (("reference", "fig7"), "unknown figure"),
    (("list", "fig4", "--runs", FILE), f"'{FILE}' is a file, expected a folder"),
    (("reference", "fig4", "--profile", "smok"), "did you mean 'smoke'"),
    (("reference", "fig4", "--only", "none*"), "no point of fig4 (paper) matches 'none*'"),
    (
        ("claims", "--profile", "smoke"),
        "Unrecognized option of repro claims: --profile, it is one of repro error, repro list,",
    ),
    (("claims", "--devices", "2"), "Unrecognized option of repro claims: --devices, it is one of repro run ("),
    (("reference", "fig4", "--onli", "a"), "did you mean --only?"),
    (("plot", "fig4", "--all"), "expected a figure or --all, one of them"),
    (("plot", "fig4", "--profile", "smok"), "unknown profile 'smok'; did you mean 'smoke'"),
    (("plot", "fig4", "--profile", "smoke"), "cannot read 'runs/fig4/smoke/table.csv': No such file"),
    (("plot", "fig4", "--out", FILE), f"'{FILE}' is a file, expected a folder"),
    (("publish", "fig4", "--runs", FILE), f"'{FILE}' is a file, expected a folder"),
    (("publish", "fig4", "--results", FILE), f"{FILE}' is a file, expected a folder"),
    (("claims", "--results", "absent"), "claims: no tables in 'absent'"),
    (("claims", "--out", "."), "it is a folder, expected a file"),
    (("claims", "--out", f"{FILE}/x"), f"{FILE}' is a file, expected a folder"),
    (("error", "fig9"), "unknown figure 'fig9'"),
    (("error", "fig4", "--profile", "smok"), "unknown profile 'smok'"),
    (("error", "fig1"), "expected at least two runs that differ in seed"),
    (("report", "--results", "absent"), "report: no tables in 'absent'"),
    (("report", "--markdown", "--results", "absent"), "report: no tables in 'absent'"),
    (("report", "--out", "."), "it is a folder, expected a file"),
    (("report", "--out", "/proc/nothing/x"), "cannot "),
    (("sync", "--runs", FILE), f"'{FILE}' is a file, expected a folder"),
    (("rbm", "--g"), "--g: expected at least one value"),
    (("rbm", "--g", "nan"), "g = nan"),
    (("rbm", "--n-sites", "1000000000000"), "n_sites = 1000000000000: expected at most"),
    (("rbm", "--seed", "-1"), "seed = -1: expected at least 0"),
    (("rbm", "--n-samples", "0"), "n_samples = 0"),
    (("bench", "compar"), "did you mean 'compare'"),
    (("bench", "--memory", "inf"), "memory = inf GiB"),
    (("bench", "--repeat", "0"), "repeat = 0: expected at least 1"),
    (("bench", "--threads", "1000000000000"), "threads = 1000000000000: expected at most 4096"),
    (("bench", "--json", ".", "sites"), "it is a folder, expected a file"),
    (("bench", "--json", f"{FILE}/x", "sites"), f"{FILE}' is a file, expected a folder"),
    (("--version",), "Unrecognized options: --version"),
]


@pytest.mark.parametrize(("arguments", "said"), REFUSED, ids=[ascii(" ".join(a)) for a, _ in REFUSED])
def test_one_line_and_nothing_written(
    arguments: tuple[str, ...],
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / FILE).write_text("mine")
    assert main(arguments) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert len(lines_of(captured.err)) == 1, captured.err
    assert captured.err.startswith("repro: ")
    assert said in captured.err
    assert [path.name for path in tmp_path.iterdir()] == [FILE]
    assert (tmp_path / FILE).read_text() == "mine"


def test_the_real_command_prints_no_traceback(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "repro", *EVOLVED, "--tau", "-0.1"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert done.returncode == 2
    assert lines_of(done.stderr) == ["repro: tau = -0.1: expected a number above 0"]
    assert done.stdout == ""
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_mode_in_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("WANDB_MODE", "ofline")
    assert main(RUN) == 2
    assert lines_of(capsys.readouterr().err) == [
        "repro: unknown WANDB_MODE 'ofline'; did you mean 'offline'? (expected one of: online, offline, disabled)"
    ]
    assert list(tmp_path.iterdir()) == []


def test_a_rank_that_is_no_number(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("repro.running.launch.run_points", lambda *_: {})  # imports Lightning, which reads ranks too
    monkeypatch.setattr("repro.references.of_point.prepare", lambda *_: {})
    for name in SRUN:
        monkeypatch.setenv(name, "first")
    assert main((*RUN, "--wandb", "disabled")) == 2
    assert "rank 'first' in SLURM_PROCID" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (MemoryError(), "repro: out of memory; fewer --jobs"),
        (MemoryError("Unable to allocate 9 GiB for an array"), "repro: out of memory; fewer --jobs"),
        (MemoryError("a-x: the memory of cuda ran out; what would fit: less"), "repro: a-x: the memory of cuda ran"),
        (OSError(28, "No space left on device", "runs/x"), "repro: runs/x: No space left on device"),
    ],
)
def test_what_the_machine_refuses_is_a_line_and_exit_code_1(
    error: Exception, said: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    def fail(*_: object) -> None:
        raise error

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("repro.references.of_point.prepare", fail)
    assert main((*RUN, "--wandb", "disabled")) == 1
    [line] = lines_of(capsys.readouterr().err)
    assert line.startswith(said)
