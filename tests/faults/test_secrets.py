"""A key never reaches a file or the screen, and loading a checkpoint executes no code."""

from __future__ import annotations

import contextlib
import io
import os
import pickle
import zipfile
import zlib
from pathlib import Path
from typing import Any

import pytest
import torch

from experiments import load
from repro.cli.main import main
from repro.running import checkpoints
from repro.running.folders import CHECKPOINT, point_folder
from repro.utils.errors import InputError
from tests.faults.commands import POINT, repro
from tests.faults.test_wandb import dead_port
from tests.helpers.command_line import RUN, lines_of

KEY = "5ec7e7a11ce5ec7e7a11ce5ec7e7a11ce5ec7e7a"


def holding(folder: Path, secret: str) -> list[str]:
    """Files below a folder that hold it, archives unpacked and compressed streams of wandb's inflated."""
    found = []
    for path in folder.rglob("*"):
        if path.is_file() and not path.is_symlink():
            parts = [path.read_bytes()]
            if zipfile.is_zipfile(path):
                archive = zipfile.ZipFile(path)
                parts += [archive.read(name) for name in archive.namelist()]
            found += [str(path) for part in parts if secret.encode() in part or secret.encode() in _inflated(part)]
    return found


def _inflated(data: bytes) -> bytes:
    out = b""
    for start in (b"\x78\x9c", b"\x78\x01", b"\x78\xda"):
        at = data.find(start)
        while at >= 0:
            with contextlib.suppress(zlib.error):
                out += zlib.decompressobj().decompress(data[at:])
            at = data.find(start, at + 1)
    return out


def test_the_search_finds_what_is_hidden(tmp_path: Path) -> None:
    torch.save({"note": KEY}, tmp_path / "a.ckpt")
    (tmp_path / "b").write_bytes(b"zz" + zlib.compress(KEY.encode()))
    (tmp_path / "c").write_text("nothing")
    with zipfile.ZipFile(tmp_path / "d", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x", KEY)
    assert {Path(path).name for path in holding(tmp_path, KEY)} == {"a.ckpt", "b", "d"}


@pytest.mark.slow
@pytest.mark.parametrize("where", ["environment", "netrc"])
@pytest.mark.parametrize("mode", ["offline", "online"])
def test_a_key_is_nowhere(mode: str, where: str, tmp_path: Path) -> None:
    with dead_port() as url:
        changes = {"WANDB_BASE_URL": url}
        if where == "environment":
            changes["WANDB_API_KEY"] = KEY
        else:
            (tmp_path / "home").mkdir()
            (tmp_path / "home" / ".netrc").write_text(f"machine 127.0.0.1 login user password {KEY}\n")
        done = repro(tmp_path, *POINT, "--wandb", mode, **changes)
        assert done.code == 0, done.err
        report = repro(tmp_path, "report", "--out", "report.html", **changes)
        assert report.code == 0, report.err
    assert list((tmp_path / "runs" / "wandb").glob("offline-run-*/*.wandb")), "wandb did not run"
    assert not [path for path in holding(tmp_path, KEY) if not path.endswith("home/.netrc")]
    assert not [text for text in (done.out, done.err, report.out, report.err) if KEY in text]


class Payload:
    """Unpickling it makes a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.path),)


def hostile(kind: str, mark: Path) -> bytes:
    """A checkpoint that would run code: a bare pickle, or one inside PyTorch's own archive."""
    if kind == "pickle":
        return pickle.dumps({"point_id": "x", "state_dict": Payload(mark)})
    stream = io.BytesIO()
    torch.save({"point_id": "x", "state_dict": Payload(mark)}, stream)
    return stream.getvalue()


@pytest.mark.parametrize("kind", ["pickle", "archive"])
def test_a_hostile_checkpoint_is_refused_and_does_not_run(
    kind: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    mark, point = tmp_path / "mark", next(p for p in load("fig4").points("smoke") if p.label == "var-1x32-0s-Jy1.8")
    pickle.loads(hostile("pickle", mark))
    mark.rmdir()  # it does run where it may
    checkpoint = point_folder(tmp_path / "runs", point) / CHECKPOINT
    checkpoint.parent.mkdir(parents=True)
    checkpoint.write_bytes(hostile(kind, mark))
    with pytest.raises(InputError, match="cannot be read") as error:
        checkpoints.load(checkpoint, point)
    assert "\n" not in str(error.value)
    only = ("--only", point.label, "--jobs", "1", "--runs", str(tmp_path / "runs"), "--wandb", "disabled")
    assert main((*RUN, *only)) != 0
    assert "Traceback" not in "".join(lines_of(capfd.readouterr().err))
    assert not mark.exists()
