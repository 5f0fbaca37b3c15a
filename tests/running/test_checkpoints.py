"""Checkpoints: whole or absent, two generations, recognised when damaged, foreign or of another format."""

from __future__ import annotations

import json
import logging
import os
import pickle
from pathlib import Path

import pytest
import torch

from repro.running import checkpoints
from repro.running.checkpoints import ChecksummedCheckpointIO
from repro.running.folders import CHECKPOINT, PREVIOUS, point_folder
from repro.utils.errors import InputError
from tests.helpers.points import COUPLED, EVOLVED, Interrupted, history, run, stop_in_iteration


def state(number: int) -> dict[str, object]:
    return {"point_id": COUPLED.point_id, "number": number, "weights": torch.full((50,), float(number))}


def saved(folder: Path, *numbers: int) -> Path:
    """A folder into which these were saved one after the other."""
    folder.mkdir(exist_ok=True)
    for number in numbers:
        checkpoints.save(state(number), folder / CHECKPOINT)
    return folder


def number(path: Path | None) -> int:
    assert path is not None
    return int(checkpoints.load(path, COUPLED)["number"])


def test_two_generations_are_kept(tmp_path: Path) -> None:
    folder = saved(tmp_path, 1, 2, 3)
    assert (number(folder / CHECKPOINT), number(folder / PREVIOUS)) == (3, 2)
    assert sorted(path.name for path in folder.iterdir()) == [CHECKPOINT, PREVIOUS]


def test_without_any_there_is_none(tmp_path: Path) -> None:
    assert checkpoints.usable(tmp_path, COUPLED) is None


@pytest.mark.parametrize("at", [0.01, 0.5, 0.97])
def test_one_changed_byte_is_noticed(at: float, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = saved(tmp_path, 1, 2) / CHECKPOINT
    content = bytearray(path.read_bytes())
    content[int(at * content.rfind(checkpoints.MARK))] ^= 1
    path.write_bytes(content)
    with caplog.at_level(logging.WARNING):
        assert number(checkpoints.usable(tmp_path, COUPLED)) == 1
    [said] = caplog.messages
    assert "checksum is another" in said
    assert said.endswith(f"going on from the one before it, '{PREVIOUS}'")


@pytest.mark.parametrize("kept", [0.0, 0.3, 0.9, 0.999])
def test_a_cut_off_file_is_noticed(kept: float, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = saved(tmp_path, 1, 2) / CHECKPOINT
    content = path.read_bytes()
    path.write_bytes(content[: int(kept * len(content))])
    with caplog.at_level(logging.WARNING):
        assert number(checkpoints.usable(tmp_path, COUPLED)) == 1
    assert len(caplog.messages) == 1


def test_another_format_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(checkpoints, "FORMAT_VERSION", 99)
        saved(tmp_path, 1)
    with pytest.raises(InputError, match=r"format 99, this version reads 1\); remove it"):
        checkpoints.usable(tmp_path, COUPLED)


def test_of_another_point(tmp_path: Path) -> None:
    saved(tmp_path, 1, 2)
    with pytest.raises(InputError, match="is not of point"):
        checkpoints.usable(tmp_path, COUPLED.change(seed=1))


def test_both_damaged_is_one_line_about_the_newest(tmp_path: Path) -> None:
    folder = saved(tmp_path, 1, 2)
    for name in (CHECKPOINT, PREVIOUS):
        (folder / name).write_bytes(b"no checkpoint")
    with pytest.raises(InputError, match=f"'{folder / CHECKPOINT}' cannot be read .*; remove it") as caught:
        checkpoints.usable(folder, COUPLED)
    assert "\n" not in str(caught.value)


def test_files_of_earlier_versions_are_read(tmp_path: Path) -> None:
    torch.save(state(7), tmp_path / CHECKPOINT)
    assert number(checkpoints.usable(tmp_path, COUPLED)) == 7


class Killed(BaseException):
    """The process ends here."""


@pytest.mark.parametrize("call", range(4))
def test_killed_at_any_step_of_a_save_a_generation_is_left(
    call: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The calls that change the disk, each the last one that is not made."""
    saved(tmp_path, 1, 2)
    made = 0

    def counted(function: object) -> object:
        def instead(*arguments: object, **more: object) -> object:
            nonlocal made
            if made == call:
                raise Killed
            made += 1
            return function(*arguments, **more)  # type: ignore[operator]

        return instead

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", counted(os.fsync))
        patch.setattr(Path, "replace", counted(Path.replace))
        patch.setattr(Path, "unlink", counted(Path.unlink))
        with pytest.raises(Killed):
            saved(tmp_path, 3)
    assert number(checkpoints.usable(tmp_path, COUPLED)) == (3 if call == 3 else 2)


def test_a_damaged_one_costs_a_step_and_no_number(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    point = EVOLVED.change(Jx=0.9, Jy=1.8)
    unbroken, broken = run(point, tmp_path / "unbroken"), point_folder(tmp_path / "broken", point)
    with monkeypatch.context() as patch, pytest.raises(Interrupted):
        stop_in_iteration(patch, 3, 2)
        run(point, tmp_path / "broken")
    (broken / CHECKPOINT).write_bytes((broken / CHECKPOINT).read_bytes()[:-9])
    (broken / ".last.ckpt.1.tmp").write_bytes(b"what a killed process leaves")
    run(point, tmp_path / "broken")
    assert any(PREVIOUS in message for message in caplog.messages)
    assert history(broken).equals(history(unbroken))
    assert not list(broken.glob(".*.tmp"))


def test_weights_handed_over_by_ranks_are_no_generation(tmp_path: Path) -> None:
    files, handed = ChecksummedCheckpointIO(), saved(tmp_path, 1) / ".temp.ckpt"
    files.save_checkpoint({"weights": torch.ones(3)}, handed)
    assert files.load_checkpoint(handed)["weights"].sum() == 3
    for path in (handed, tmp_path / CHECKPOINT):
        files.remove_checkpoint(path)
    assert [path.name for path in tmp_path.iterdir()] == [CHECKPOINT]


def test_the_line_at_the_end_is_for_people_too(tmp_path: Path) -> None:
    last = (saved(tmp_path, 1) / CHECKPOINT).read_bytes().splitlines()[-1]
    assert last.startswith(b"repro checkpoint ")
    facts = json.loads(last.removeprefix(b"repro checkpoint "))
    assert facts.keys() == {"format", "numbers", "point_id", "sha256"}


def damage(folder: Path, kind: str) -> None:
    path = folder / CHECKPOINT
    whole = path.read_bytes()
    match kind:
        case "truncated":
            path.write_bytes(whole[: len(whole) // 2])
        case "empty":
            path.write_bytes(b"")
        case "garbage":
            path.write_bytes(b"not a checkpoint\n" * 50)
        case "flipped":
            path.write_bytes(bytes(byte ^ 0xFF for byte in whole))
        case "plain pickle":
            path.write_bytes(pickle.dumps({"point_id": folder.name}, protocol=2))
        case "other type":
            torch.save([1, 2, 3], path)
        case "folder":
            path.unlink()
            path.mkdir()
        case "foreign":
            torch.save({**torch.load(path, weights_only=True), "point_id": "0123456789ab"}, path)


DAMAGES = ("truncated", "empty", "garbage", "flipped", "plain pickle", "other type", "folder", "foreign")


@pytest.mark.parametrize("kind", DAMAGES)
def test_damaged_checkpoint_is_one_clear_line(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch, pytest.raises(Interrupted):
        stop_in_iteration(patch, 1, 0)
        run(EVOLVED, tmp_path)
    folder = point_folder(tmp_path, EVOLVED)
    damage(folder, kind)
    before = {path: path.read_bytes() for path in folder.iterdir() if path.is_file()}
    with pytest.raises(InputError, match=f"checkpoint '.*{CHECKPOINT}'.*remove it to start this point again") as error:
        run(EVOLVED, tmp_path)
    assert "\n" not in str(error.value)
    assert {path: path.read_bytes() for path in folder.iterdir() if path.is_file()} == before


def test_missing_checkpoint_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="No such file"):
        checkpoints.load(tmp_path / CHECKPOINT, COUPLED)
