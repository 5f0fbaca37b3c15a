"""Where a point is computed, and what a run is told besides the point itself.

runs/points/<point id>/  last.ckpt      weights, optimiser, history: at the end of every epoch
                         previous.ckpt  the same of the epoch before
                         progress.json  where it stands
                         events.jsonl   when and where it was started, stopped, finished
                         failed.json    why it was given up, until it is started again
                         history.csv    one row per epoch, written at the end
                         losses.csv     loss of every iteration (variational)
                         done.json      settings and provenance; its presence means finished
                         last_state.json  smallest eigenvalue of the last rho, where the history does not have it
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from repro.config.point import NUMBERS
from repro.methods.batch_size import GIB

CHECKPOINT, PREVIOUS = "last.ckpt", "previous.ckpt"
PROGRESS, HISTORY, DONE, LAST_STATE = "progress.json", "history.csv", "done.json", "last_state.json"


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
    """

    runs: Path
    device: str = "cpu"
    threads: int = 1
    tracking: str | None = None
    memory: int = 4 * GIB
    devices: int = 1
    nodes: int = 1
    graphs: bool = False

    @property
    def ranks(self) -> int:
        """Processes of one fit."""
        return self.devices * self.nodes


def point_folder(runs: Path, point: Identified) -> Path:
    """Where a point lives."""
    return runs / "points" / point.point_id


def finished(runs: Path, point: Identified) -> bool:
    """Whether a point has been computed to its end, with the numbers of this version of the code."""
    try:
        done = json.loads((point_folder(runs, point) / DONE).read_text())
    except (OSError, ValueError):
        return False
    return isinstance(done, dict) and done.get("numbers", 1) == NUMBERS
