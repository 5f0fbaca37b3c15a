"""Disks that fill up or are read-only: a clear line, nothing finished lost, and the same command completes later."""

from __future__ import annotations

import contextlib
import json
import resource
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from repro.cli.main import main
from repro.utils.errors import InputError
from repro.utils.files import write_atomic
from repro.utils.result_table import read_table
from tests.faults.commands import POINT, ROOT, TABLE, Outcome, environment, repro, small_disk
from tests.helpers.tables import same_numbers

TWO = ("a-var-1x32-0s-Jy1.0", "a-var-1x32-0s-Jy1.8")
COMMAND = ("run", "fig4", "--profile", "smoke", "--only", *TWO, "--jobs", "1", "--runs", "runs", "--wandb", "disabled")
RESULTS = ROOT / "results"


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What two points come to on a disk with room."""
    folder = tmp_path_factory.mktemp("plain")
    done = repro(folder, *COMMAND)
    assert done.code == 0, done.err
    return folder / TABLE


def clear_failure(done: Outcome, said: str) -> None:
    assert done.code in (1, 2), done.err
    assert "Traceback" not in done.err
    assert said in done.err, done.err


@contextlib.contextmanager
def read_only(folder: Path) -> Iterator[None]:
    """A read-only mount, as root is not held back by permissions."""
    for command in (["mount", "--bind", folder, folder], ["mount", "-o", "remount,bind,ro", folder]):
        if subprocess.run(command, capture_output=True).returncode:
            pytest.skip("no read-only mount can be made here")
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=False)


def finished(folder: Path) -> dict[str, str]:
    return {path.parent.name: path.read_text() for path in folder.glob("runs/points/*/done.json")}


def fill(disk: Path, left: int) -> Path:
    """A file that leaves so many bytes of the disk."""
    filler = disk / "filler"
    filler.write_bytes(b"x" * (shutil.disk_usage(disk).free - left))
    return filler


@pytest.mark.slow
@pytest.mark.parametrize("left", [0, 40_000, 120_000])
def test_a_disk_that_fills_up(left: int, plain: Path, tmp_path: Path) -> None:
    with small_disk(tmp_path / "runs", "8m") as disk:
        first = repro(tmp_path, *POINT, "--wandb", "disabled")
        assert first.code == 0, first.err
        before = finished(tmp_path)
        filler = fill(disk, left)
        clear_failure(repro(tmp_path, *COMMAND), "No space left on device")
        for name, text in before.items():
            assert finished(tmp_path)[name] == text
        assert all(json.loads(text) for text in finished(tmp_path).values())
        filler.unlink()
        again = repro(tmp_path, *COMMAND)
        assert again.code == 0, again.err
        assert same_numbers(read_table(tmp_path / TABLE), read_table(plain))


LIMITED = """
import resource, sys
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]),) * 2)
from repro.cli.main import main
if __name__ == "__main__":
    sys.exit(main(sys.argv[2:]))
"""


@pytest.mark.slow
def test_a_limit_on_the_size_of_files(plain: Path, tmp_path: Path) -> None:
    (tmp_path / "limited.py").write_text(LIMITED)
    command = [sys.executable, "limited.py", "20000", *COMMAND]
    done = subprocess.run(command, cwd=tmp_path, env=environment(tmp_path), capture_output=True, text=True, timeout=200)
    clear_failure(Outcome(done.returncode, done.stdout, done.stderr, 0.0), "File too large")
    assert not finished(tmp_path)
    assert not list(tmp_path.rglob("*.tmp"))
    again = repro(tmp_path, *COMMAND)
    assert again.code == 0, again.err
    assert same_numbers(read_table(tmp_path / TABLE), read_table(plain))


def test_a_write_that_fails_leaves_the_old_file(tmp_path: Path) -> None:
    path = write_atomic(tmp_path / "table.csv", "old")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
    try:
        with pytest.raises(InputError, match=r"cannot write '.*table\.csv': File too large"):
            write_atomic(path, "x" * 2000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["table.csv"]


@pytest.mark.slow
def test_a_read_only_folder_of_runs(tmp_path: Path) -> None:
    (tmp_path / "runs").mkdir()
    with read_only(tmp_path / "runs"):
        done = repro(tmp_path, *POINT, "--wandb", "disabled")
        assert done.code == 2
        [said] = done.err.splitlines()
        assert "runs" in said and ("written" in said or "ead-only" in said)
        assert not list((tmp_path / "runs").iterdir())


@pytest.mark.parametrize(
    "command",
    [("publish", "fig4", "--partial", "--runs", "runs", "--results"), ("report", "--out"), ("claims", "--out")],
)
def test_read_only_results(
    command: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    results = tmp_path / "results"
    results.mkdir()
    (results / "fig4.csv").write_bytes((RESULTS / "fig4.csv").read_bytes())
    with read_only(results):
        target = str(results) if command[0] == "publish" else str(results / "page")
        named = ("--results", str(results)) if command[0] != "publish" else ()
        assert main((*command, target, *named)) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    [said] = captured.err.splitlines()
    assert "read-only" in said or "Read-only" in said
    assert (results / "fig4.csv").read_bytes() == (RESULTS / "fig4.csv").read_bytes()
