"""Memory that can be had now: of this machine, within the limit of its control group, or of a GPU."""

from __future__ import annotations

import os
import re
from pathlib import Path

import torch


def free_memory(device: str = "cpu") -> int:
    """Bytes that can be had: of the GPU, or of this machine within the limit of its control group."""
    if device != "cpu":
        return int(torch.cuda.mem_get_info(torch.device(device))[0])
    found = re.search(r"MemAvailable:\s+(\d+) kB", _read("/proc/meminfo"))
    free = int(found[1]) * 1024 if found else os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return min(free, *_group_limits())


def _group_limits() -> list[int]:
    """What the control group leaves, version 2 and version 1; file caches of its own count as free."""
    base = "/sys/fs/cgroup"
    left = [2**63]
    for limit, used, stat in (
        ("memory.max", "memory.current", "memory.stat"),
        ("memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes", "memory/memory.stat"),
    ):
        numbers = [_read(f"{base}/{name}").strip() for name in (limit, used)]
        if all(text.isdigit() for text in numbers):
            cache = re.search(r"^(?:total_)?inactive_file (\d+)", _read(f"{base}/{stat}"), re.MULTILINE)
            left.append(int(numbers[0]) - int(numbers[1]) + (int(cache[1]) if cache else 0))
    return left


def _read(path: str) -> str:
    try:
        return Path(path).read_text()
    except OSError:
        return ""
