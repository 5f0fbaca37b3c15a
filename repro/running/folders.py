"""Where a point is computed, and what a run is told besides the point itself.

runs/points/<point id>/  last.ckpt      weights, optimiser, history: at the end of every epoch
                         previous.ckpt  the same of the epoch before
                         progress.json  where it stands
                         events.jsonl   when and where it was started, stopped, finished
                         failed.json    why it was given up, until it is started again
                         history.csv    one row per epoch, written at the end
                         losses.csv     loss of every iteration (variational)
                         done.json      settings, provenance, checksums: finished, where history and losses are whole
                         last_state.json  smallest eigenvalue of the last rho, where the history does not have it
"""

from __future__ import annotations

import csv
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from repro.config.point import NUMBERS
from repro.methods.batch_size import GIB

CHECKPOINT, PREVIOUS = "last.ckpt", "previous.ckpt"
PROGRESS, HISTORY, LOSSES = "progress.json", "history.csv", "losses.csv"
LOCK = ".lock"
DONE, LAST_STATE = "done.json", "last_state.json"
CHECKSUM, LOSSES_CHECKSUM = "history_sha256", "losses_sha256"
"""Where `done.json` has those of the history and, of a search, of its losses; earlier versions wrote none."""


class Identified(Protocol):
    """A point, or one in a list."""

    @property
    def point_id(self) -> str:
        """The point's id."""
        ...


class Labelled(Identified, Protocol):
    """A point that has a name to show."""

    @property
    def label(self) -> str:
        """Short readable name."""
        ...


@dataclass(frozen=True)
class RunSettings:
    """How to run, as opposed to what: nothing here changes the numbers beyond rounding.

    Attributes:
        runs: folder for everything computed.
        device: "cpu", "cuda" or "cuda:1".
        threads: CPU threads of one point.
        tracking: wandb mode "online", "offline" or "disabled"; None decides by the environment.
        memory: bytes that one evaluation of the sampled estimator may take.
        devices, nodes: processes that share every batch of a point: GPUs (or CPU processes) of a node, and nodes.
        graphs: record iterations that repeat themselves on a GPU, and replay them.
        time_unit: times are divided by it where they are shown.
    """

    runs: Path
    device: str = "cpu"
    threads: int = 1
    tracking: str | None = None
    memory: int = 4 * GIB
    devices: int = 1
    nodes: int = 1
    graphs: bool = False
    time_unit: float = 1.0

    @property
    def ranks(self) -> int:
        """Processes of one fit."""
        return self.devices * self.nodes


def point_folder(runs: Path, point: Identified) -> Path:
    """Where a point lives."""
    return runs / "points" / point.point_id


def finished(runs: Path, point: Identified) -> bool:
    """Whether a point has been computed to its end, by this version's numbers, and what it wrote is whole."""
    folder = point_folder(runs, point)
    try:
        done = json.loads((folder / DONE).read_bytes())
        history = (folder / HISTORY).read_bytes()
        if not isinstance(done, dict) or done.get("numbers", 1) != NUMBERS:
            return False
        of_losses = done.get(LOSSES_CHECKSUM)
        losses_whole = of_losses is None or checksum((folder / LOSSES).read_bytes()) == of_losses
    except (OSError, ValueError):
        return False
    return losses_whole and _whole(history, done.get(CHECKSUM))


def checksum(written: bytes) -> str:
    """What `done.json` says of the history, and of losses."""
    return hashlib.sha256(written).hexdigest()


def _whole(history: bytes, expected: str | None) -> bool:
    """Whether a history is that of its checksum; without one, whether it ends in a full row."""
    if expected is not None:
        return checksum(history) == expected
    try:
        lines = history.decode().splitlines(keepends=True)
        header, last = csv.reader([lines[0], lines[-1]])
    except (ValueError, IndexError, csv.Error):
        return False
    return len(lines) > 1 and len(last) == len(header) and lines[-1].endswith("\n")
