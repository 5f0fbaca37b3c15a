"""Tracking: wandb mirrors a run and can never stop it.

The record is the tables on disk; wandb only feeds dashboards. Every failure of wandb becomes one warning, and the run
goes on untracked. wandb is imported when a run is tracked and not before, so that this module imports without it. One
figure is one wandb group, one point one wandb run.
"""

from __future__ import annotations

import contextlib
import logging
import os
import re
import secrets
import ssl
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from repro.running.tracking_mode import Mode
from repro.utils import warn_once
from repro.utils.files import write_atomic
from repro.utils.provenance import provenance

if TYPE_CHECKING:
    import wandb

PROJECT = "repro-povm"
AXES = ("t", "iteration")
SECONDS_PER_STEP, LEARNING_RATE = "seconds_per_step", "learning_rate"
TRAIN, REFERENCE, PLOT = "train", "reference", "plot"
"""Job types: one point, an exact curve that had to be computed, a figure with its table."""
PROBE_TIMEOUT = 5.0  # seconds
INIT_TIMEOUT = 15.0  # seconds
FINISH_TIMEOUT = 60.0  # seconds
# Nothing is collected beside what is logged: it keeps a run cheap, and host names and paths out of it.
_LEAN_SETTINGS: dict[str, Any] = {
    "silent": True,
    "console": "off",
    "disable_git": True,
    "disable_code": True,
    "save_code": False,
    "x_disable_meta": True,
    "x_disable_machine_info": True,
    "x_disable_stats": True,
    "x_save_requirements": False,
    "init_timeout": INIT_TIMEOUT,
    "finish_timeout": FINISH_TIMEOUT,
}

_log = logging.getLogger("repro")


def deviation_of(name: str) -> str:
    """The metric that holds the distance of an observable from its exact value."""
    return f"{name}_deviation"


def exact_of(name: str) -> str:
    """The metric of a run's summary that holds an observable's exact value."""
    return f"{name}_exact"


# Waiting for the same dead server again at every point of a figure would cost INIT_TIMEOUT each time.
_SERVER = "wandb-server"


class Tracker:
    """One point's wandb run; a context manager whose methods never raise on wandb's account.

    Metrics are drawn against the time axis that they are logged with: `t` (units 1/gamma) or `iteration`. A name has
    one axis, so a run with both stages gives one stage's names a prefix, such as "variational/loss".

    A killed point that is run again continues its run: the run's id is kept in `folder`. Offline, that makes a second
    `offline-run-*` folder with the same id, which `wandb sync` joins to the first, in order of their start.

    wandb keeps one service per process, and a failure restarts it, so trackers of one process follow one another.

    Args:
        settings: the point's settings, kept as the run's config over `provenance()`; "point_id" starts the run's id.
        group: the figure, such as "fig4".
        name: the point's name.
        job_type: the point's method.
        folder: where the run's files go (in `folder`/wandb).
        mode: as `repro.running.tracking_mode.resolve_mode` gives it; "disabled" never imports wandb.
        tags: more words to find the run by.
    """

    def __init__(
        self,
        settings: Mapping[str, Any],
        *,
        group: str,
        name: str,
        job_type: str,
        folder: Path,
        mode: Mode = "offline",
        tags: Sequence[str] = (),
    ) -> None:
        self._run: wandb.Run | None = None
        self._names: set[str] = set()
        self._options: dict[str, Any] = {"group": group, "name": name, "job_type": job_type, "tags": list(tags)}
        if mode == "disabled":
            return
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._options |= {
                "project": os.environ.get("WANDB_PROJECT", PROJECT),
                "config": provenance() | dict(settings),
                "dir": str(folder),
                "id": _run_id(folder, str(settings.get("point_id", name))),
            }
            self._run = self._start(mode)
        except Exception as error:
            self._give_up("start", error)

    @property
    def active(self) -> bool:
        """Whether what is logged goes anywhere."""
        return self._run is not None

    def log(self, values: Mapping[str, Any]) -> None:
        """Log one row, such as {"t": 0.16, "sigma_z": -0.2}: once per time step or chunk of iterations."""

        def send(run: wandb.Run) -> None:
            axis = next((axis for axis in AXES if axis in values), None)
            for name in values.keys() - self._names - set(AXES):
                self._names.add(name)
                run.define_metric(name, step_metric=axis)
            run.log(dict(values))

        self._try("log", send)

    def summary(self, values: Mapping[str, Any]) -> None:
        """Set the run's final numbers, such as its deviation from the exact value."""
        self._try("summary", lambda run: run.summary.update(dict(values)))

    def image(self, path: Path, name: str) -> None:
        """Show a picture file, such as the finished figure."""

        def send(run: wandb.Run) -> None:
            import wandb

            run.log({name: wandb.Image(str(path))})

        self._try("image", send)

    def artifact(self, path: Path, name: str, type: str) -> None:
        """Keep a file or folder with the run, such as the table of results."""
        allowed = re.sub(r"[^\w.-]", "-", name)
        self._try("artifact", lambda run: run.log_artifact(str(path), name=allowed, type=type))

    def finish(self, failed: bool = False) -> None:
        """End the run; what could not be sent by then stays on disk for `wandb sync`."""
        self._try("finish", lambda run: run.finish(exit_code=int(failed)))
        self._run = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self.finish(failed=kind is not None)

    def _start(self, mode: Mode) -> wandb.Run:
        import wandb

        url = wandb.setup(wandb.Settings(silent=True)).settings.base_url
        if mode == "online" and not warn_once.had(_SERVER):
            try:
                check_server(url)
                return self._init("online")
            except Exception as error:
                if warn_once.first(_SERVER):
                    _log.warning("wandb: not online (%s); tracking offline, upload later: repro sync", _line(error))
                # The service still holds the run's id; only a new service gives it out again.
                wandb.teardown()
                wandb.setup(wandb.Settings(silent=True))
        return self._init("offline")

    def _init(self, mode: Mode) -> wandb.Run:
        import wandb

        known = {name: value for name, value in _LEAN_SETTINGS.items() if name in wandb.Settings.model_fields}
        return wandb.init(
            **self._options, settings=wandb.Settings(mode=mode, **known), resume="allow", reinit="create_new"
        )

    def _try(self, what: str, send: Callable[[wandb.Run], object]) -> None:
        if self._run is None:
            return
        try:
            send(self._run)
        except Exception as error:
            self._give_up(what, error)

    def _give_up(self, what: str, error: Exception) -> None:
        run, self._run = self._run, None
        if warn_once.first("wandb"):
            _log.warning("wandb: %s failed (%s); runs go on untracked, their tables are complete", what, _line(error))
        with contextlib.suppress(Exception):
            if run is not None and what != "finish":
                run.finish(exit_code=1)
        with contextlib.suppress(Exception):  # a broken service must not be handed to the next point
            if "wandb" in sys.modules:
                sys.modules["wandb"].teardown()


def check_server(url: str) -> None:
    """Refuse a server that does not answer: wandb itself would try for minutes, and again when it ends.

    Raises:
        OSError: no connection, or no answer in time. An answer of any kind will do.
    """
    try:
        urllib.request.urlopen(url, timeout=PROBE_TIMEOUT).close()
    except urllib.error.HTTPError:
        return
    except urllib.error.URLError as error:
        if not isinstance(error.reason, ssl.SSLError):  # wandb may know a certificate that Python does not
            raise


def _line(error: Exception) -> str:
    return f"{type(error).__name__}: {error}".splitlines()[0].rstrip(": ")


def _run_id(folder: Path, point_id: str) -> str:
    """The id kept in `folder`, or a new one: a point computed afresh is a new run, a continued one is the same."""
    point = re.sub(r"[^A-Za-z0-9_.-]", "-", point_id)
    file = folder / "wandb" / f"{point}.id"
    with contextlib.suppress(FileNotFoundError):
        if kept := file.read_text().strip():
            return kept
    run_id = f"{point}-{secrets.token_hex(3)}"
    write_atomic(file, run_id + "\n")
    return run_id
