"""A graph without a GPU: operators are recorded with the tensors that they read and wrote, and run again on those.

As in a CUDA graph nothing of Python runs again: what was a number stays that number, what was a tensor is read where it
lay. What a GPU would have to be waited for, and what comes from the CPU, is refused while recording.
"""

from __future__ import annotations

from typing import Any

import torch
from torch.utils._mode_utils import no_dispatch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_flatten, tree_map

from repro.ansatz.replay import Action, Recorder, record_on_gpu

WAITS = {
    *("_local_scalar_dense", "item", "is_nonzero", "nonzero", "masked_select", "bincount", "equal", "_unique2"),
    *("unique_dim", "unique_consecutive", "repeat_interleave.Tensor", "lift_fresh", "allclose"),
}
"""Operators whose result the host has to know, and `lift_fresh`, which brings numbers of Python into a tensor."""


def waits(func: Any, kwargs: dict[str, Any]) -> str:
    """The name of an operator that would make a GPU wait; empty for all others."""
    name = func._schema.name.removeprefix("aten::")
    if kwargs.get("output_size") is not None or WAITS.isdisjoint((name, f"{name}.{func._schema.overload_name}")):
        return ""
    return str(name)


class Waits(TorchDispatchMode):
    """Counts what would make a GPU wait.

    Attributes:
        names: of the operators, in order.
    """

    def __init__(self) -> None:
        super().__init__()
        self.names: list[str] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:  # type: ignore[override]
        """One operator."""
        if name := waits(func, kwargs or {}):
            self.names.append(name)
        return func(*args, **(kwargs or {}))


class _Operators(TorchDispatchMode):
    """Everything that is computed, in order."""

    def __init__(self) -> None:
        super().__init__()
        self.done: list[tuple[Any, Any, Any, Any]] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:  # type: ignore[override]
        """One operator."""
        if name := waits(func, kwargs or {}):
            raise RuntimeError(f"{name}: operation not permitted when stream is capturing")
        given = tree_map(_alias, (args, kwargs or {}))
        found = func(*args, **(kwargs or {}))
        if torch.Tag.inplace_view not in func.tags:
            self.done.append((func, *given, tree_map(_alias, found)))
        return found


def _alias(value: Any) -> Any:
    """The same memory with a shape of its own, which later operators do not change."""
    if not isinstance(value, torch.Tensor):
        return value
    with no_dispatch():
        return value.detach()


def record(action: Action, device: torch.device) -> Action:
    """Record an action, after one run that is not recorded."""
    action()
    with _Operators() as operators:
        action()

    def replay() -> None:
        with torch.no_grad():
            for func, args, kwargs, found in operators.done:
                new = func(*args, **kwargs)
                if any(returned.alias_info for returned in func._schema.returns):
                    continue  # a view, or written in place: it lies where it lay
                for into, value in zip(tree_flatten(found)[0], tree_flatten(new)[0], strict=True):
                    if isinstance(into, torch.Tensor):
                        into.copy_(value)

    return replay


def recorder(device: str) -> Recorder:
    """A graph of a GPU, or what stands for it elsewhere."""
    return record_on_gpu if device.startswith("cuda") else record
