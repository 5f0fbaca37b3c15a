"""Memory that can be had now, within the limit of a control group."""

from __future__ import annotations

import pytest

from repro.methods.batch_size import GIB
from repro.utils.free_memory import free_memory


def test_a_control_group_limits_what_is_free(monkeypatch: pytest.MonkeyPatch) -> None:
    files = {
        "/proc/meminfo": "MemTotal: 99999999 kB\nMemAvailable:   8388608 kB\n",
        "/sys/fs/cgroup/memory.max": f"{4 * GIB}\n",
        "/sys/fs/cgroup/memory.current": f"{3 * GIB}\n",
        "/sys/fs/cgroup/memory.stat": f"anon 1\ninactive_file {GIB}\n",
    }
    monkeypatch.setattr("repro.utils.free_memory._read", lambda path: files.get(path, ""))
    assert free_memory() == 2 * GIB
    files["/sys/fs/cgroup/memory.max"] = "max\n"
    assert free_memory() == 8 * GIB
