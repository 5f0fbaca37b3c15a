"""The same figure started twice at the same moment: every point is computed exactly once, and both tables are whole."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from repro.running import events
from repro.utils.result_table import read_table
from tests.faults.commands import TABLE, repro, start
from tests.helpers.tables import same_numbers

COMMAND = ("run", "fig4", "--profile", "smoke", "--only", "a-*", "--jobs", "1", "--runs", "runs", "--wandb", "disabled")
ROUNDS = 10
LIMIT = 300.0


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The table of a command that had the folder for itself."""
    folder = tmp_path_factory.mktemp("alone")
    done = repro(folder, *COMMAND, timeout=LIMIT)
    assert done.code == 0, done.err
    return folder / TABLE


@pytest.mark.slow
@pytest.mark.timeout(2 * LIMIT)
@pytest.mark.parametrize("round_", range(ROUNDS))
def test_every_point_exactly_once(round_: int, alone: Path, tmp_path: Path) -> None:
    both = [start(tmp_path, *COMMAND)]
    time.sleep(0.3 * round_)  # from the same moment to well into the other's start
    both.append(start(tmp_path, *COMMAND))
    said = [process.communicate(timeout=LIMIT)[1] for process in both]
    assert [process.returncode for process in both] == [0, 0], said
    points = sorted((tmp_path / "runs" / "points").iterdir())
    assert len(points) == len(set(read_table(alone)["point_id"])) > 3
    heard = {point.name: [event["event"] for event in events.read(point)] for point in points}
    assert heard == {point: ["started", "finished"] for point in heard}
    shares = {event["pid"] for point in points for event in events.read(point)}
    print(f"round {round_}: {len(points)} points, once each, by {len(shares)} processes")
    assert same_numbers(read_table(tmp_path / TABLE), read_table(alone))
