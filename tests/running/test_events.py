"""A point's log: whole lines from many processes, damaged ones passed over."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from repro.config.listed import Listed, listed_of
from repro.config.settings import change
from repro.running import events
from repro.solver.problem_point import ProblemPoint, ProblemSystem
from repro.utils.errors import InputError
from tests.helpers.points import SEARCHED, run
from tests.helpers.solving import pair

WRITERS, LINES = 4, 200
WRITER = """
import sys
from pathlib import Path
from repro.running.events import record
for k in range(int(sys.argv[2])):
    record(Path(sys.argv[1]), "started", number=k, padding="x" * 500)
"""


def test_events_come_back_in_order(tmp_path: Path) -> None:
    assert events.last(tmp_path) == {}
    for event in ("started", "stopped", "resumed"):
        events.record(tmp_path, event, more=1)
    assert [each["event"] for each in events.read(tmp_path)] == ["started", "stopped", "resumed"]
    last = events.last(tmp_path)
    assert (last["event"], last["pid"], last["more"]) == ("resumed", os.getpid(), 1)


def test_lines_of_several_processes_do_not_mix(tmp_path: Path) -> None:
    command = [sys.executable, "-c", WRITER, str(tmp_path), str(LINES)]
    writers = [subprocess.Popen(command) for _ in range(WRITERS)]
    assert [writer.wait(timeout=90) for writer in writers] == [0] * WRITERS
    found = events.read(tmp_path)
    assert len((tmp_path / events.EVENTS).read_text().splitlines()) == len(found) == WRITERS * LINES
    by_process = Counter(event["pid"] for event in found)
    assert set(by_process) == {writer.pid for writer in writers}
    for writer in writers:
        assert [event["number"] for event in found if event["pid"] == writer.pid] == list(range(LINES))


def test_damaged_lines_are_left_out(tmp_path: Path) -> None:
    events.record(tmp_path, "started")
    with (tmp_path / events.EVENTS).open("a") as stream:
        stream.write('{"event": "resu\n5\n[]x\n"text"\n\n')
    events.record(tmp_path, "finished")
    assert [each["event"] for each in events.read(tmp_path)] == ["started", "finished"]
    with (tmp_path / events.EVENTS).open("a") as stream:
        stream.write('{"event": ')  # killed while writing
    assert events.last(tmp_path)["event"] == "finished"
    with (tmp_path / events.EVENTS).open("ab") as raw:
        raw.write(b"\xff\n")  # no text at all
    assert events.last(tmp_path)["event"] == "finished"


@pytest.mark.parametrize("text", ["", "{", "5", "null", '"why"'])
def test_a_damaged_mark_of_failure_is_none(text: str, tmp_path: Path) -> None:
    events.mark_failed(tmp_path, "abc", "a point", "a reason")
    assert events.failure(tmp_path)["reason"] == "a reason"  # type: ignore[index]
    assert events.last(tmp_path)["reason"] == "a reason"
    (tmp_path / events.FAILED).write_text(text)
    assert events.failure(tmp_path) is None


def test_a_folder_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"cannot write '.*nowhere/events.jsonl': No such file"):
        events.record(tmp_path / "nowhere", "started")


def test_a_start_says_what_it_is_for(tmp_path: Path) -> None:
    listed = SEARCHED.change(figure="figX", panel="a", profile="smoke", name="first")
    begun = events.read(run(listed, tmp_path))[0]
    assert [begun[name] for name in ("event", "figure", "panel", "profile", "label")] == [
        *("started", "figX", "a", "smoke", "first")
    ]
    assert listed_of(**begun["settings"]).point_id == listed.point_id
    problem = change(ProblemPoint(ProblemSystem(pair(name="mine").text)), iterations=20, width=8, feedforward=8)
    begun = events.read(run(Listed(problem, "mine", "steady", name="pair"), tmp_path))[0]
    assert (begun["figure"], begun["label"]) == ("mine", "pair") and "settings" not in begun


def test_what_a_full_disk_has_cut_off_takes_no_later_event_with_it(tmp_path: Path) -> None:
    events.record(tmp_path, "started")
    with (tmp_path / events.EVENTS).open("a") as stream:
        stream.write('{"time": "2026-')
    for event in ("resumed", "finished"):
        events.record(tmp_path, event)
    assert [each["event"] for each in events.read(tmp_path)] == ["started", "resumed", "finished"]
