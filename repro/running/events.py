"""Events of a point, one line each: started, resumed, stopped, failed or finished, with host and time.

A start also says what the point is computed for: figure, panel, profile, label and, of a figure's points, settings;
of a user's problem the unit that its times are shown in.
"""

from __future__ import annotations

import contextlib
import datetime
import json
import os
import socket
from pathlib import Path
from typing import Any

from repro.utils.errors import InputError
from repro.utils.files import write_atomic

EVENTS, FAILED = "events.jsonl", "failed.json"


def now() -> str:
    """The time in UTC, to the second."""
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")


def record(folder: Path, event: str, **more: Any) -> None:
    """Append an event of the point in a folder; lines of several processes do not mix.

    Raises:
        InputError: the folder cannot be written.
    """
    line = json.dumps({"time": now(), "event": event, "host": socket.gethostname(), "pid": os.getpid(), **more})
    try:
        with (folder / EVENTS).open("a+b") as stream:
            # what a full disk has cut off would take this line with it
            stream.seek(max(stream.tell() - 1, 0))
            cut_off = stream.read(1) not in (b"", b"\n")
            stream.write((b"\n" if cut_off else b"") + line.encode() + b"\n")
    except OSError as error:
        raise InputError(f"cannot write '{folder / EVENTS}': {error.strerror or error}") from error


def read(folder: Path) -> list[dict[str, Any]]:
    """A point's events in the order of time; lines that are damaged are left out."""
    events = []
    with contextlib.suppress(OSError):
        for line in (folder / EVENTS).read_text(errors="replace").splitlines():
            with contextlib.suppress(ValueError, TypeError):
                events.append(dict(json.loads(line)))
    return events


def last(folder: Path) -> dict[str, Any]:
    """A point's last event; empty where there is none."""
    return next(reversed(read(folder)), {})


def mark_failed(folder: Path, point_id: str, label: str, reason: str) -> None:
    """Record that a point failed, and why; the next start of the point removes the file."""
    facts = {"point_id": point_id, "label": label, "reason": reason, "time": now()}
    write_atomic(folder / FAILED, json.dumps(facts, indent=1))
    record(folder, "failed", reason=reason)


def failure(folder: Path) -> dict[str, str] | None:
    """Why a point failed: what `mark_failed` has written; None where it has not failed."""
    try:
        return dict(json.loads((folder / FAILED).read_text()))
    except (OSError, ValueError, TypeError):
        return None
