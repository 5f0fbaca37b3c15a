"""Checkpoints that can be trusted: whole or absent, two generations of each, recognised when damaged or foreign.

A checkpoint is an ordinary file of `torch.save` with one line of JSON after it: format, point, checksum. Writing one
turns the last generation into the previous one. Reading executes no code.
"""

from __future__ import annotations

import hashlib
import io
import json
import logging
import pickle
import zipfile
from pathlib import Path
from typing import Any

import torch
from lightning_fabric.plugins import CheckpointIO

from repro.config.point import NUMBERS, Point
from repro.running.folders import CHECKPOINT, PREVIOUS, Labelled
from repro.utils.errors import InputError
from repro.utils.files import write_atomic

FORMAT_VERSION = 1
GENERATIONS = (CHECKPOINT, PREVIOUS)
MARK = b"\nrepro checkpoint "
DAMAGED = (RuntimeError, EOFError, ValueError, KeyError, TypeError, pickle.UnpicklingError, zipfile.BadZipFile)

log = logging.getLogger(__name__)


class OutdatedError(InputError):
    """A checkpoint of a version of the code that gave other numbers."""


def save(checkpoint: dict[str, Any], path: Path) -> None:
    """Write a checkpoint whole; the one that was there becomes the previous generation.

    Args:
        checkpoint: plain data with the point's id under "point_id".
        path: the current generation's file.

    Raises:
        InputError: the folder cannot be written.
    """
    stream = io.BytesIO()
    torch.save(checkpoint, stream)
    content = stream.getvalue()
    facts = {"format": FORMAT_VERSION, "numbers": NUMBERS, "point_id": checkpoint["point_id"]}
    facts["sha256"] = _digest(content)
    whole = content + MARK + json.dumps(facts).encode() + b"\n"
    write_atomic(path, whole, keep=path.with_name(PREVIOUS))


def load(path: Path, point: Labelled) -> dict[str, Any]:
    """One checkpoint of a point.

    Raises:
        InputError: unreadable, damaged, of another format, of other numbers or of another point.
    """
    facts: dict[str, Any] = {}
    try:
        content = path.read_bytes()
        at = content.rfind(MARK)
        if at >= 0:  # files of earlier versions have no such line
            facts = json.loads(content[at + len(MARK) :])
            if facts["format"] != FORMAT_VERSION:
                raise ValueError(f"format {facts['format']}, this version reads {FORMAT_VERSION}")
            content = content[:at]
            if facts["sha256"] != _digest(content):
                raise ValueError("its checksum is another")
        checkpoint = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    except (OSError, *DAMAGED) as error:
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise InputError(
            f"checkpoint '{path}' cannot be read ({reason.splitlines()[0][:80]}); remove it to start this point again"
        ) from error
    if facts.get("numbers", 1) != NUMBERS:
        raise OutdatedError(f"checkpoint '{path}' was computed by a version of the code that gave other numbers")
    if not isinstance(checkpoint, dict) or checkpoint.get("point_id") != point.point_id:
        raise InputError(f"checkpoint '{path}' is not of point {point.label}; remove it to start this point again")
    return checkpoint


def usable(folder: Path, point: Point) -> Path | None:
    """The newest generation that can be used; None where there is none yet. A damaged one is reported and passed over.

    Raises:
        InputError: there are checkpoints, and none can be used.
    """
    refused: InputError | None = None
    for name in GENERATIONS:
        path = folder / name
        if not path.exists():
            continue
        try:
            load(path, point)
        except OutdatedError as error:
            log.warning("%s; starting again", error)
            continue
        except InputError as error:
            refused = refused or error
            continue
        if refused:
            log.warning("%s; going on from the one before it, '%s'", str(refused).split("; remove it")[0], name)
        return path
    if refused:
        raise refused
    return None


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


class ChecksummedCheckpointIO(CheckpointIO):
    """Lightning's way to write and read checkpoints; weights that ranks hand to their parent are no generation."""

    def save_checkpoint(self, checkpoint: dict[str, Any], path: Any, storage_options: Any = None) -> None:
        """See `save`."""
        if Path(path).name in GENERATIONS:
            save(checkpoint, Path(path))
        else:
            torch.save(checkpoint, path)

    def load_checkpoint(self, path: Any, map_location: Any = None, weights_only: bool | None = None) -> dict[str, Any]:
        """Read a checkpoint that `usable` has checked, or weights that a rank has just written."""
        return torch.load(path, map_location=map_location, weights_only=True)

    def remove_checkpoint(self, path: Any) -> None:
        """Remove a file unless it is a generation: those are replaced, never removed."""
        if Path(path).name not in GENERATIONS:
            Path(path).unlink(missing_ok=True)
