"""Rows that several processes append to one CSV file: each row, or block of rows, is written at once."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.gpu.plan import Request


def append(path: Path, columns: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> None:
    """Append rows to a table; the head comes with the first."""
    stream = io.StringIO()
    writer = csv.DictWriter(stream, columns, lineterminator="\n")
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o666)
        writer.writeheader()
    except FileExistsError:
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND)
    writer.writerows(rows)
    try:
        os.write(descriptor, stream.getvalue().encode())
    finally:
        os.close(descriptor)


def where(request: Request) -> dict[str, str]:
    """What a row says of its machine: kind of device, its name, versions, commit, date; no host names, no paths."""
    import torch

    from repro.utils.provenance import provenance

    known = provenance(request.device)
    return {
        "kind": torch.device(request.device).type,
        "cuda": str(torch.version.cuda or ""),
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        **known,
        "commit": request.commit or known["commit"],
    }
