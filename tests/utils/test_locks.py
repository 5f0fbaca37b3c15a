"""Locks where the file system has none, refuses them, or another process holds them."""

from __future__ import annotations

import datetime
import errno
import fcntl
import io
import os
import platform
import re
import subprocess
import sys
import time
from pathlib import Path
from threading import Thread

import pytest
from rich.console import Console

from repro.references import cache
from repro.running import launch, status
from repro.running.folders import RunSettings, finished, point_folder
from repro.running.runner import BusyError, run_point
from repro.utils import locks
from repro.utils.errors import InputError
from repro.utils.locks import HeldError, held, locked
from tests.helpers.points import SEARCHED
from tests.helpers.waiting import wait_for

HOLDER = """
import errno, fcntl, sys, time
from pathlib import Path
def missing(*_):
    raise OSError(getattr(errno, sys.argv[2]), "no")
if sys.argv[2] != "works":
    fcntl.flock = missing
from repro.utils.locks import locked
with locked(Path(sys.argv[1])):
    print(1, flush=True)
    time.sleep(60)
"""


def without(patch: pytest.MonkeyPatch, code: int) -> None:
    """A file system whose flock says this."""

    def refuse(*_: object) -> None:
        raise OSError(code, os.strerror(code))

    patch.setattr(fcntl, "flock", refuse)


def holder(lock: Path, code: str) -> subprocess.Popen[str]:
    """A process that holds the lock."""
    command = [sys.executable, "-c", HOLDER, str(lock), code]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None and process.stdout.readline() == "1\n"
    return process


@pytest.mark.parametrize("code", ["works", "ENOSYS", "EOPNOTSUPP"])
def test_one_process_at_a_time_and_a_killed_one_is_no_obstacle(
    code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if code != "works":
        without(monkeypatch, getattr(errno, code))
    lock = tmp_path / ".lock"
    with holder(lock, code) as process:
        try:
            assert held(lock)
            who = "another process" if code == "works" else f"process {process.pid} on this machine"
            with pytest.raises(HeldError, match=f"{who} holds"), locked(lock, wait=False):
                pass
        finally:
            process.kill()
            process.wait()
    assert not held(lock)
    with locked(lock, wait=False):
        assert held(lock)
    assert not held(lock)


WRITTEN = 1700000000.0
HOLDERS = {
    "4711\nnode9.cluster\n12\n": ("process 4711 on 'node9.cluster'", "that machine"),
    "4711\nnode9?pidns-f0000001\n": ("process 4711 on 'node9'", "that machine"),
    f"4711\n{platform.node()}0\n": (f"process 4711 on '{platform.node()}0'", "that machine"),
    "": ("an unknown process", "it"),
}


def left(lock: Path, content: str) -> str:
    """Leaves a second file, and gives the line that speaks of it."""
    soft = lock.with_name(f"{lock.name}.soft")
    soft.write_text(content)
    os.utime(soft, (WRITTEN, WRITTEN))
    who, where = HOLDERS[content]
    since = datetime.datetime.fromtimestamp(WRITTEN).strftime("%Y-%m-%d %H:%M")
    return f"{who} holds '{soft}' since {since}; if {where} does not run any more, remove that file"


@pytest.mark.parametrize("content", HOLDERS)
def test_a_file_of_another_machine_is_waited_for_with_a_line(
    content: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    without(monkeypatch, errno.ENOSYS)
    monkeypatch.setattr(locks, "NOTICE_SECONDS", 0.1)
    line = left(tmp_path / ".lock", content)
    assert not held(tmp_path / ".lock")  # nothing can be seen of it
    with pytest.raises(HeldError, match=re.escape(line)), locked(tmp_path / ".lock", wait=False):
        pass

    def remove() -> None:
        wait_for(lambda: caplog.messages)
        (tmp_path / ".lock.soft").unlink()

    thread = Thread(target=remove)
    thread.start()
    with locked(tmp_path / ".lock"):
        thread.join()
    assert caplog.messages == [f"waiting: {line}"]


def test_a_long_wait_for_a_process_of_this_machine_is_said_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(locks, "NOTICE_SECONDS", 0.1)
    with holder(tmp_path / ".lock", "works") as process:

        def end() -> None:
            wait_for(lambda: caplog.messages)
            time.sleep(0.3)
            process.kill()

        thread = Thread(target=end)
        thread.start()
        with locked(tmp_path / ".lock"):
            thread.join()
    assert caplog.messages == [f"waiting: another process holds '{tmp_path / '.lock'}'"]


@pytest.mark.timeout(120)
def test_a_command_says_what_it_waits_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its workers have no flock; the other machine is found gone, and its file removed as the line says."""
    site = "import errno, fcntl\ndef flock(*_):\n    raise OSError(errno.ENOSYS, 'no')\nfcntl.flock = flock\n"
    (tmp_path / "sitecustomize.py").write_text(site)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setattr(launch, "BUSY_SECONDS", 0.2)
    folder = point_folder(tmp_path, SEARCHED)
    folder.mkdir(parents=True)
    line = left(folder / ".lock", "4711\nnode9.cluster\n12\n")
    console = Console(file=(said := io.StringIO()), width=1000)

    def remove() -> None:
        wait_for(lambda: "waiting" in said.getvalue(), 60)
        time.sleep(1)
        (folder / ".lock.soft").unlink()

    thread = Thread(target=remove)
    thread.start()
    assert launch.run_points([SEARCHED], RunSettings(tmp_path, tracking="disabled"), 1, console) == {}
    thread.join()
    assert finished(tmp_path, SEARCHED)
    lines = [text for text in said.getvalue().splitlines() if "waiting" in text]
    assert lines == [f"waiting for {SEARCHED.label}: {SEARCHED.point_id} is computed elsewhere: {line}"]


@pytest.mark.timeout(120)
@pytest.mark.parametrize("code", [errno.ENOSYS, errno.EOPNOTSUPP])
def test_without_flock_points_and_references_are_computed(
    code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    without(monkeypatch, code)
    folder = point_folder(tmp_path, SEARCHED)
    folder.mkdir(parents=True)
    (folder / ".lock").touch()  # of a run on a file system that has flock
    settings = RunSettings(tmp_path, tracking="disabled")
    with locked(folder / ".lock"), pytest.raises(BusyError):
        run_point(SEARCHED, settings, wait=False)
    run_point(SEARCHED, settings)
    assert finished(tmp_path, SEARCHED)
    (tmp_path / ".key.lock").touch()
    with cache._locked(tmp_path, "key"):
        assert held(tmp_path / ".key.lock")
    assert not list(tmp_path.rglob("*.soft"))


@pytest.mark.parametrize("code", [errno.ENOLCK, errno.EIO])
def test_a_refused_lock_names_file_folder_and_way_out(
    code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    without(monkeypatch, code)
    with pytest.raises(InputError) as error:
        run_point(SEARCHED, RunSettings(tmp_path, tracking="disabled"))
    folder = point_folder(tmp_path, SEARCHED)
    assert str(error.value) == (
        f"cannot lock '{folder / '.lock'}': {os.strerror(code)}; "
        f"expected a file system with locks under '{folder}' (--runs names a folder elsewhere)"
    )
    with pytest.raises(InputError, match=r"cannot lock '.*/\.key\.lock'"), cache._locked(tmp_path, "key"):
        pass


def test_a_lock_file_that_cannot_be_opened_is_one_line(tmp_path: Path) -> None:
    (tmp_path / ".lock").mkdir()
    with pytest.raises(InputError, match=f"cannot write to '{tmp_path}': Is a directory"), locked(tmp_path / ".lock"):
        pass


def test_neither_flock_nor_filelock_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "filelock", None)
    with locked(tmp_path / ".lock"):
        pass
    without(monkeypatch, errno.ENOSYS)
    said = "no flock, and the package filelock is not installed"
    with pytest.raises(InputError, match=said), locked(tmp_path / ".lock"):
        pass


def test_a_removed_lock_file_is_made_again(tmp_path: Path) -> None:
    lock = tmp_path / ".lock"
    with locked(lock):
        lock.unlink()
        with locked(lock, wait=False):
            pass
    assert lock.exists()


def test_the_command_without_locks_is_one_line(tmp_path: Path) -> None:
    """Workers are processes of their own: the fault is put into each by a module that Python loads at its start."""
    (tmp_path / "sitecustomize.py").write_text(
        "import errno, fcntl\ndef flock(*_):\n    raise OSError(errno.ENOLCK, 'No locks available')\n"
        "fcntl.flock = flock\n"
    )
    command = ["run", "fig4", "--profile", "smoke", "--only", "a-var-1x32-0s-Jy1.8", "--iterations", "2"]
    done = subprocess.run(
        [sys.executable, "-m", "repro", *command, "--wandb", "disabled", "--runs", "here"],
        cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(tmp_path)}, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert done.returncode == 2
    lines = [line for line in done.stderr.splitlines() if line.startswith("repro:")]
    assert len(lines) == 1 and "cannot lock 'here/" in lines[0] and "--runs" in lines[0]
    assert "Traceback" not in done.stderr


def test_status_without_flock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    without(monkeypatch, errno.ENOSYS)
    folder = point_folder(tmp_path, SEARCHED)
    folder.mkdir(parents=True)
    with locked(folder / ".lock"):
        assert status.states([SEARCHED], tmp_path)[0].state == "running"
    assert status.states([SEARCHED], tmp_path)[0].state == "open"
