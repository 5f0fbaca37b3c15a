"""Reads back what a finished offline run wrote, without wandb's own reader; keeps a person's own settings away."""

from __future__ import annotations

import json
import os
import struct
from pathlib import Path
from typing import Any

import pytest

BLOCK = 32768


def forget_settings(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """No key, no mode and no home settings of the person who runs the tests."""
    for name in [name for name in os.environ if name.startswith("WANDB_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("NETRC", str(folder / "netrc"))
    monkeypatch.setenv("WANDB_CONFIG_DIR", str(folder / "wandb-config"))


def records(folder: Path) -> list[Any]:
    """The run's transaction log: a LevelDB log (7-byte header) of protobuf records."""
    import wandb
    from wandb.proto import wandb_internal_pb2

    wandb.teardown()  # waits until the service has written all it was sent
    [file] = folder.glob("wandb/offline-run-*/*.wandb")
    data, at, whole, found = file.read_bytes(), 7, b"", []
    while at + 7 <= len(data):
        if BLOCK - at % BLOCK < 7:
            at += BLOCK - at % BLOCK
            continue
        length, kind = struct.unpack_from("<HB", data, at + 4)
        whole += data[at + 7 : at + 7 + length]
        at += 7 + length
        if kind in (1, 4):  # a full record, or the last part of one
            found.append(wandb_internal_pb2.Record.FromString(whole))  # type: ignore[attr-defined]
            whole = b""
    return found


def history(folder: Path) -> list[dict[str, Any]]:
    """The rows that were logged, in order."""
    rows = [record.history.item for record in records(folder) if record.HasField("history")]
    return [{item.key or "/".join(item.nested_key): json.loads(item.value_json) for item in row} for row in rows]
