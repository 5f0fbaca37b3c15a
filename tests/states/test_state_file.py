"""Files of states: what goes in comes out, equal states are equal files, and a changed byte is seen."""

from __future__ import annotations

import json
import math
import struct
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from repro.config.point import point_of
from repro.methods.build import build_ansatz
from repro.states.state import State
from repro.states.state_file import read_state, to_bytes
from repro.utils.errors import InputError
from tests.helpers.paths import ROOT

POINT = point_of(lattice="ring", n_sites=3, width=4, feedforward=4, Jy=1.5)


def state(t: float = math.inf) -> State:
    return State(POINT, build_ansatz(POINT).requires_grad_(False), t, "0123456789ab")


@pytest.mark.parametrize("t", [0.8, math.inf])
def test_what_goes_in_comes_out(t: float, tmp_path: Path) -> None:
    (tmp_path / "one").write_bytes(to_bytes(state(t)))
    read = read_state(tmp_path / "one")
    assert (read.point, read.t, read.commit) == (POINT, t, "0123456789ab")
    torch.testing.assert_close(read.model.state_dict(), state().model.state_dict(), atol=0, rtol=0)
    assert torch.equal(read.probabilities(), state().probabilities())
    assert not any(parameter.requires_grad for parameter in read.model.parameters())


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float64])
def test_a_state_is_in_single_precision_whatever_torch_makes(dtype: torch.dtype, tmp_path: Path) -> None:
    (tmp_path / "one").write_bytes(to_bytes(state()))
    torch.set_default_dtype(dtype)
    try:
        read = read_state(tmp_path / "one")
        assert torch.get_default_dtype() == dtype
    finally:
        torch.set_default_dtype(torch.float32)
    assert {tensor.dtype for tensor in read.model.state_dict().values()} == {torch.float32}
    assert torch.equal(read.probabilities(), state().probabilities())


def test_equal_states_are_equal_files() -> None:
    """Those of other processes too, whose hashes are seeded otherwise."""
    code = (
        "import sys; sys.path.insert(0, '.'); from tests.states.test_state_file import state, to_bytes;"
        "sys.stdout.buffer.write(to_bytes(state()))"
    )
    made = [subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, check=True) for _ in range(2)]
    assert made[0].stdout == made[1].stdout == to_bytes(state())
    assert to_bytes(replace(state(), commit="another")) != to_bytes(state())


def test_every_changed_byte_is_seen(tmp_path: Path) -> None:
    content = to_bytes(state())
    [length] = struct.unpack("<Q", content[:8])
    path = tmp_path / "one"
    for place in [*range(8 + length), *range(8 + length, len(content), 37), len(content) - 1]:
        path.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
        with pytest.raises(InputError) as refused:
            read_state(path)
        assert str(path) in str(refused.value) and "\n" not in str(refused.value)
        if place >= 8 + length:
            assert "is damaged: its checksum is another" in str(refused.value)


@pytest.mark.parametrize("content", [b"", b"garbage", b"\0" * 64])
def test_no_state_is_one_line(content: bytes, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"state '.*' cannot be read \("):
        read_state(tmp_path / "none")
    (tmp_path / "one").write_bytes(content)
    with pytest.raises(InputError, match=r"state '.*' cannot be read \("):
        read_state(tmp_path / "one")


def test_a_file_of_another_kind_is_one_line(tmp_path: Path) -> None:
    from safetensors.torch import save

    for metadata in (
        None,
        {"other": "1"},
        {"repro": "no JSON"},
        {"repro": "[1]"},
        {"repro": json.dumps({"format": 2})},
    ):
        (tmp_path / "one").write_bytes(save({"a": torch.zeros(2)}, metadata))
        with pytest.raises(InputError, match=r"state '.*'(: format 2, this version reads| cannot be read)"):
            read_state(tmp_path / "one")
