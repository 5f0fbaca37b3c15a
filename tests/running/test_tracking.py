"""wandb mirrors a run and never stops it: modes, what an offline run holds, broken and unreachable servers."""

from __future__ import annotations

import logging
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from repro.running import tracking
from repro.running.tracking import Tracker
from repro.running.tracking_mode import Mode, resolve_mode
from repro.utils import warn_once
from repro.utils.errors import InputError
from tests.helpers.paths import ROOT
from tests.helpers.wandb_files import forget_settings, history, records

KEY = "0123456789abcdef" * 3


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """No key, no mode and no home settings of the person who runs the tests."""
    forget_settings(monkeypatch, tmp_path)
    monkeypatch.setenv("WANDB_DATA_DIR", str(tmp_path / "wandb-data"))
    monkeypatch.setattr(warn_once, "_warned", set())
    import wandb

    wandb.teardown()  # what an earlier test left in wandb's singleton
    yield
    wandb.teardown()


def tracker(folder: Path, mode: Mode = "offline", point_id: str = "abcdef012345") -> Tracker:
    return Tracker(
        {"point_id": point_id, "Jy": 1.8},
        group="fig4",
        name="dyn-1x32",
        job_type="dynamics",
        folder=folder,
        mode=mode,
        tags=["smoke"],
    )


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    ours = [record for record in caplog.records if record.name == "repro"]
    return [record.getMessage() for record in ours if record.levelno >= logging.WARNING]


@pytest.mark.parametrize(
    ("flag", "variable", "key", "expected"),
    [
        (None, None, None, "offline"),
        (None, None, "environment", "online"),
        (None, None, "netrc", "online"),
        (None, "disabled", "environment", "disabled"),
        (None, "offline", "environment", "offline"),
        (None, "dryrun", "environment", "offline"),
        (None, "online", None, "online"),
        ("offline", "online", "environment", "offline"),
        ("online", "disabled", None, "online"),
        ("disabled", None, "environment", "disabled"),
    ],
)
def test_mode_is_the_flag_then_the_variable_then_the_key(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    flag: str | None,
    variable: str | None,
    key: str | None,
    expected: str,
) -> None:
    if variable:
        monkeypatch.setenv("WANDB_MODE", variable)
    if key == "environment":
        monkeypatch.setenv("WANDB_API_KEY", KEY)
    if key == "netrc":
        monkeypatch.setenv("WANDB_BASE_URL", "http://tracker.invalid")
        (tmp_path / "netrc").write_text(f"machine tracker.invalid login user password {KEY}\n")
    assert resolve_mode(flag) == expected


def test_an_unknown_mode_is_one_clear_line(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match="tracking mode 'ofline'; did you mean 'offline'"):
        resolve_mode("ofline")
    monkeypatch.setenv("WANDB_MODE", "sideways")
    with pytest.raises(InputError, match="WANDB_MODE 'sideways'"):
        resolve_mode()


def test_an_offline_run_holds_what_was_logged(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    import matplotlib.image
    import numpy as np

    picture, table = tmp_path / "fig4.png", tmp_path / "fig4.csv"
    matplotlib.image.imsave(picture, np.zeros((4, 4)))
    table.write_text("figure,mean\nfig4,-0.25\n")
    with tracker(tmp_path) as run:
        assert run.active
        run.log({"iteration": 10, "variational/loss": 0.5})
        for step in range(3):
            run.log({"t": 0.016 * step, "sigma_z": 1.0 - step})
        run.summary({"deviation": 0.03})
        run.image(picture, "figure")
        run.artifact(table, "fig4 table", "results")
    log = records(tmp_path)
    assert {"run", "history", "artifact", "exit"} <= {record.WhichOneof("record_type") for record in log}
    final = {item.key or item.nested_key[0]: item.value_json for r in log for item in r.summary.update}
    assert final["deviation"] == "0.03"
    rows = [row for row in history(tmp_path) if "sigma_z" in row]
    assert [(row["t"], row["sigma_z"]) for row in rows] == [(0.016 * step, 1.0 - step) for step in range(3)]
    axes = {record.metric.name: record.metric.step_metric for record in log if record.HasField("metric")}
    assert (axes["sigma_z"], axes["variational/loss"]) == ("t", "iteration")
    assert list(tmp_path.glob("wandb/offline-run-*/files/media/images/figure*.png"))
    started = next(record.run for record in log if record.HasField("run"))
    assert (started.run_group, started.job_type, started.display_name) == ("fig4", "dynamics", "dyn-1x32")
    config = {item.key: item.value_json for item in started.config.update}
    assert config["Jy"] == "1.8" and {"commit", "torch", "device"} <= config.keys()
    assert capfd.readouterr() == ("", "")


def test_a_failure_inside_is_marked_and_passed_on(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), tracker(tmp_path / "failed"):
        raise ZeroDivisionError
    with tracker(tmp_path / "fine"):
        pass
    codes = [[r.exit.exit_code for r in records(tmp_path / name) if r.HasField("exit")] for name in ("failed", "fine")]
    assert codes == [[1], [0]]


def test_a_point_run_again_continues_its_run_and_a_fresh_folder_starts_another(tmp_path: Path) -> None:
    for folder in ("first", "first", "second"):
        tracker(tmp_path / folder).finish()
    first, second = (
        [file.stem for file in tmp_path.glob(f"{folder}/wandb/offline-run-*/*.wandb")] for folder in ("first", "second")
    )
    assert len(first) == 2 and len(set(first)) == 1 and first[0].startswith("run-abcdef012345-")
    assert second[0] != first[0]
    tracker(tmp_path / "first", point_id="another").finish()
    assert list(tmp_path.glob("first/wandb/offline-run-*/run-another-*.wandb"))


UNTRACKED = """
import sys
from pathlib import Path
from repro.running.tracking import Tracker
from repro.running.tracking_mode import resolve_mode

with Tracker({}, group="g", name="n", job_type="j", folder=Path(sys.argv[1]), mode=resolve_mode("disabled")) as run:
    run.log({"t": 0.0})
    run.summary({"a": 1})
    run.image(Path("x"), "x")
    run.artifact(Path("x"), "x", "x")
    assert not run.active
sys.exit(any(name in sys.modules for name in ("wandb", "torch", "qutip")))
"""


def test_disabled_imports_nothing_and_writes_nothing(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", UNTRACKED, str(tmp_path / "out")], cwd=ROOT, capture_output=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("method", ["log", "define_metric", "log_artifact", "finish"])
def test_a_broken_wandb_is_one_warning_and_then_silence(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, tmp_path: Path, method: str
) -> None:
    import wandb

    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("the disk is full\nand more")

    monkeypatch.setattr(wandb.Run, method, broken)
    with tracker(tmp_path / "a") as run:
        for step in range(3):
            run.log({"t": float(step), "loss": 1.0})
            run.artifact(Path(__file__), "table", "results")
            run.summary({"loss": 1.0})
    assert len(warnings(caplog)) == 1 and "the disk is full" in warnings(caplog)[0] and "\n" not in warnings(caplog)[0]
    assert not run.active
    monkeypatch.undo()
    with tracker(tmp_path / "b") as run:
        assert run.active


def test_an_init_that_raises_is_one_warning(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    import wandb

    monkeypatch.setattr(wandb, "init", lambda **_: 1 / 0)
    with tracker(tmp_path) as run:
        run.log({"t": 0.0})
        run.summary({"a": 1})
    assert len(warnings(caplog)) == 1 and not run.active


def test_an_unusable_folder_is_one_warning(caplog: pytest.LogCaptureFixture, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with tracker(tmp_path / "file" / "folder") as run:
        run.log({"t": 0.0})
    assert len(warnings(caplog)) == 1 and not run.active


def test_a_killed_service_does_not_reach_the_run(caplog: pytest.LogCaptureFixture, tmp_path: Path) -> None:
    from wandb.sdk import wandb_setup

    with tracker(tmp_path / "a") as run:
        run.log({"t": 0.0})
        service = wandb_setup.singleton().ensure_service()._proc
        assert service
        os.kill(service._process.pid, signal.SIGKILL)
        service._process.wait()
        for step in range(20):
            run.log({"t": float(step)})
    assert len(warnings(caplog)) == 1
    with tracker(tmp_path / "b") as run:
        assert run.active


def test_an_unreachable_server_is_one_warning_and_an_offline_run(
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        monkeypatch.setenv("WANDB_BASE_URL", f"http://127.0.0.1:{unused.getsockname()[1]}")
    monkeypatch.setenv("WANDB_API_KEY", KEY)
    monkeypatch.setitem(tracking._LEAN_SETTINGS, "init_timeout", 1.0)
    assert resolve_mode() == "online"
    for name in ("a", "b"):
        with tracker(tmp_path / name, mode="online") as run:
            run.log({"t": 0.5, "loss": 0.25})
        assert [(row["t"], row["loss"]) for row in history(tmp_path / name)] == [(0.5, 0.25)]
    assert len(warnings(caplog)) == 1 and "offline" in warnings(caplog)[0]
    assert capfd.readouterr() == ("", "")


def test_an_unreachable_server_is_waited_for_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    import wandb

    modes: list[str] = []

    def start(**options: Any) -> None:
        modes.append(options["settings"].mode)
        raise TimeoutError

    monkeypatch.setattr(wandb, "init", start)
    monkeypatch.setattr(tracking, "check_server", lambda url: None)
    for name in ("a", "b"):
        tracker(tmp_path / name, mode="online").finish()
    assert modes == ["online", "offline", "offline"]
