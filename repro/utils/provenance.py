"""Provenance: the commit, versions and device behind a number; no host names, no paths."""

from __future__ import annotations

import contextlib
import functools
import platform
import re
import subprocess
from importlib import metadata
from pathlib import Path

from repro.utils.paths import SOURCE


@functools.cache
def device_name(device: str = "cpu") -> str:
    """The model of the processor or GPU behind a torch device, without the machine's name."""
    if device.startswith("cuda"):
        import torch

        return torch.cuda.get_device_name(device)
    with contextlib.suppress(OSError):
        if model := re.search(r"^model name\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE):
            return model[1].strip()
    return platform.processor() or platform.machine()


@functools.cache
def commit() -> str:
    """The source's git commit, with "-dirty" when tracked files changed; "unknown" outside a git checkout."""
    if not (SOURCE / ".git").exists():  # installed somewhere inside another project's checkout
        return "unknown"
    command = ["git", "describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"]
    try:
        done = subprocess.run(command, cwd=SOURCE, capture_output=True, text=True, timeout=30, check=True)
    except (OSError, subprocess.SubprocessError):
        return "unknown"
    return done.stdout.strip() or "unknown"


def provenance(device: str = "cpu") -> dict[str, str]:
    """What a number was computed with: commit, versions and device; no host names, no paths."""
    return {
        "commit": commit(),
        "python": platform.python_version(),
        "torch": metadata.version("torch"),
        "pytorch_lightning": metadata.version("pytorch-lightning"),
        "platform": platform.system(),
        "device": device_name(device),
    }
