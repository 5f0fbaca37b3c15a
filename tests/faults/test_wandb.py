"""wandb in trouble, for real: training goes on, the table is the same, one warning, in bounded time."""

from __future__ import annotations

import contextlib
import http.server
import os
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from repro.running.tracking import FINISH_TIMEOUT, INIT_TIMEOUT, PROBE_TIMEOUT
from repro.utils.result_table import read_table
from tests.faults.commands import POINT, TABLE, Outcome, repro, small_disk, start
from tests.helpers.paths import ROOT
from tests.helpers.tables import same_numbers

pytestmark = pytest.mark.slow
KEY = "0123456789abcdef0123456789abcdef01234567"
BOUND = PROBE_TIMEOUT + 2 * INIT_TIMEOUT
"""Seconds that a server in trouble may cost a command."""


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, float]:
    """The table without wandb, and the seconds that it took."""
    folder = tmp_path_factory.mktemp("plain")
    done = repro(folder, *POINT, "--wandb", "disabled")
    assert done.code == 0, done.err
    return folder / TABLE, done.seconds


def check(done: Outcome, folder: Path, plain: tuple[Path, float], seconds: float = BOUND) -> None:
    """As without wandb, but for one warning."""
    assert done.code == 0, done.err
    assert "Traceback" not in done.err
    assert same_numbers(read_table(folder / TABLE), read_table(plain[0]))
    assert len(done.warnings) == 1, done.err
    assert not list((folder / "runs").glob(".warned-*"))
    print(f"{done.seconds - plain[1]:.1f} s more than without wandb: {done.warnings[0]}")
    assert done.seconds - plain[1] < seconds


@contextlib.contextmanager
def server_that_hangs() -> Iterator[str]:
    """It accepts connections and never answers."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as listening:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"


class _Refusing(http.server.BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        self.send_response(401)
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_GET = do_POST

    def log_message(self, *_: object) -> None:
        pass


@contextlib.contextmanager
def server_that_refuses() -> Iterator[str]:
    """It knows no key."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Refusing) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@contextlib.contextmanager
def dead_port() -> Iterator[str]:
    """Nobody listens there."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    yield f"http://127.0.0.1:{port}"


@pytest.mark.parametrize("server", [dead_port, server_that_hangs, server_that_refuses])
def test_a_server_in_trouble(server: object, plain: tuple[Path, float], tmp_path: Path) -> None:
    with server() as url:  # type: ignore[operator]
        done = repro(tmp_path, *POINT, "--wandb", "online", WANDB_BASE_URL=url, WANDB_API_KEY=KEY)
    check(done, tmp_path, plain)
    assert "offline" in done.warnings[0]
    assert list((tmp_path / "runs" / "wandb").glob("offline-run-*/*.wandb"))


@pytest.mark.parametrize("key", ["", "too short", KEY + "\u00e9"])
def test_no_key_or_one_that_is_none(key: str, plain: tuple[Path, float], tmp_path: Path) -> None:
    changes = {"WANDB_API_KEY": key} if key else {}
    with server_that_refuses() as url:
        done = repro(tmp_path, *POINT, "--wandb", "online", WANDB_BASE_URL=url, **changes)
    check(done, tmp_path, plain)
    assert key not in done.err + done.out or not key


def test_a_wandb_that_cannot_be_imported(plain: tuple[Path, float], tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "wandb.py").write_text("raise ImportError('no such library: libssl.so')\n")
    done = repro(tmp_path, *POINT, "--wandb", "offline", PYTHONPATH=f"{broken}{os.pathsep}{ROOT}")
    check(done, tmp_path, plain, seconds=5)
    assert "libssl.so" in done.warnings[0]


def test_a_full_disk_below_wandb(plain: tuple[Path, float], tmp_path: Path) -> None:
    with small_disk(tmp_path / "runs" / "wandb", "64k") as disk:
        (disk / "filler").write_bytes(b"x" * 48 * 1024)
        done = repro(tmp_path, *POINT, "--wandb", "offline")
        check(done, tmp_path, plain, seconds=FINISH_TIMEOUT)


def test_a_killed_wandb_process(plain: tuple[Path, float], tmp_path: Path) -> None:
    begun = time.perf_counter()
    process = start(tmp_path, *POINT, "--wandb", "offline")
    killer = threading.Thread(target=_kill_service, args=(process.pid, tmp_path), daemon=True)
    killer.start()
    out, err = process.communicate(timeout=200)
    killer.join(1)
    assert not killer.is_alive(), "the service was not seen"
    check(Outcome(process.returncode, out, err, time.perf_counter() - begun), tmp_path, plain)


def _kill_service(command: int, folder: Path) -> None:
    """Kill the first wandb service below the command, in the middle of training."""
    while True:
        for pid in _below(command):
            with contextlib.suppress(OSError):
                if "wandb-core" in Path(f"/proc/{pid}/cmdline").read_text() and list(
                    folder.glob("runs/points/*/progress.json")
                ):
                    os.kill(pid, signal.SIGKILL)
                    return
        time.sleep(0.02)


def _below(pid: int) -> list[int]:
    found = subprocess.run(["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True).stdout
    children = [int(word) for word in found.split()]
    return children + [below for child in children for below in _below(child)]
