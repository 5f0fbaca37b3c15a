"""A state as a file: weights in the safetensors format, and beside them, as text, what they are of.

The metadata have one entry, "repro", a JSON object: format, point_id, settings (every leaf), t, commit, and sha256, the
digest of all of these and of every tensor's name, type, shape and bytes. (The library writes several entries in any
order; with one, equal states are equal files.) Reading executes no code.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from repro.ansatz.string_mixture import StringMixture
from repro.config.point import Point, point_of
from repro.config.settings import leaves
from repro.methods.build import build_ansatz, single_precision
from repro.states.state import State
from repro.utils.errors import InputError
from repro.utils.validation import shorten

ENTRY = "repro"
FORMAT = "repro state 1"
CHECKSUM = "sha256"


def to_bytes(state: State) -> bytes:
    """The content of a state's file: equal states give equal bytes."""
    from safetensors.torch import save

    weights = {name: tensor.contiguous() for name, tensor in sorted(state.model.state_dict().items())}
    facts = {
        "format": FORMAT,
        "point_id": state.point.point_id,
        "settings": leaves(state.point),
        "t": None if math.isinf(state.t) else state.t,
        "commit": state.commit,
    }
    return save(weights, {ENTRY: json.dumps(facts | {CHECKSUM: _digest(facts, weights)}, sort_keys=True)})


def read_state(path: Path) -> State:
    """The state in a file.

    Raises:
        InputError: no such file, one that is damaged or of another kind, settings that this version does not read.
    """
    facts, weights = _content(path)
    if facts.get("format") != FORMAT:
        raise InputError(f"state '{path}': format {shorten(facts.get('format'))}, this version reads '{FORMAT}'")
    if facts.pop(CHECKSUM, "") != _digest(facts, weights):
        raise InputError(f"state '{path}' is damaged: its checksum is another; take it from the repository again")
    point = point_of(**facts["settings"])
    if point.point_id != facts["point_id"]:
        raise InputError(f"state '{path}': its settings are those of point {point.point_id}, not {facts['point_id']}")
    t = math.inf if facts["t"] is None else float(facts["t"])
    return State(point, model_of(point, weights), t, facts["commit"])


def model_of(point: Point, weights: Mapping[str, torch.Tensor]) -> StringMixture:
    """A point's distribution with given weights.

    Raises:
        InputError: weights of another network.
    """
    with single_precision():
        model = build_ansatz(point)
    try:
        model.load_state_dict(dict(weights))
    except RuntimeError as error:
        raise InputError(f"state of {point.label}: weights of another network ({error})") from error
    return model.eval().requires_grad_(False)


def _content(path: Path) -> tuple[dict[str, Any], dict[str, torch.Tensor]]:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt") as opened:
            facts = json.loads((opened.metadata() or {})[ENTRY])
            weights = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118
    except (OSError, SafetensorError, ValueError, KeyError, TypeError, RuntimeError) as error:
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise InputError(f"state '{path}' cannot be read ({reason.splitlines()[0][:80]})") from error
    if not isinstance(facts, dict):
        raise InputError(f"state '{path}' cannot be read (its entry '{ENTRY}' is no object)")
    return facts, weights


def _digest(facts: Mapping[str, Any], weights: Mapping[str, torch.Tensor]) -> str:
    digest = hashlib.sha256(json.dumps(dict(facts), sort_keys=True).encode())
    for name, tensor in sorted(weights.items()):
        digest.update(json.dumps([name, str(tensor.dtype), list(tensor.shape)]).encode())
        digest.update(tensor.contiguous().numpy().tobytes())
    return digest.hexdigest()
