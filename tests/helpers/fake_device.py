"""A device that is none: tensors that say they are elsewhere, compute here, and refuse to be mixed with those here.

A GPU refuses the same; where there is none, code that forgets a tensor on the CPU is found all the same. The device
calls itself "meta", which PyTorch knows everywhere.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

import torch
from torch import nn
from torch.utils._mode_utils import no_dispatch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_flatten, tree_map

DEVICE = torch.device("meta")
COPIES = {"aten::copy_", "aten::_to_copy"}
INDEXED = {"aten::index", "aten::index_put", "aten::index_put_", "aten::_index_put_impl_"}
"""What a GPU does with a tensor of the CPU too: copy it, or index one of its own by it."""


class Elsewhere(torch.Tensor):
    """A tensor on the device that is none.

    Args:
        here: its values.
    """

    here: torch.Tensor

    @staticmethod
    def __new__(cls: type, here: torch.Tensor) -> Elsewhere:
        """See the class."""
        made: Elsewhere = torch.Tensor._make_wrapper_subclass(
            cls,
            here.size(),
            strides=here.stride(),
            storage_offset=here.storage_offset(),
            dtype=here.dtype,
            device=DEVICE,
        )
        made.here = here
        return made

    def tolist(self) -> Any:
        """Its values: refused for tensors of classes of their own."""
        return self.here.tolist()

    def __getitem__(self, index: Any) -> Any:
        """Lists within an index would reach no dispatch with their numbers."""
        return super().__getitem__(_index(index))

    def __setitem__(self, index: Any, value: Any) -> None:
        """See `__getitem__`."""
        super().__setitem__(_index(index), value)

    @classmethod
    def __torch_dispatch__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:  # type: ignore[override]
        """Operations go through `Device`, which a test has switched on."""
        raise RuntimeError(f"{func} outside `device()`")


def _index(index: Any) -> Any:
    if isinstance(index, tuple):
        return tuple(map(_index, index))
    return moved(torch.as_tensor(index)) if isinstance(index, list) else index


def _unwrapped(value: Any) -> Any:
    return value.here if isinstance(value, Elsewhere) else value


class Device(TorchDispatchMode):
    """Computes what belongs to the device that is none."""

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """One operation: its tensors are all here or all elsewhere, numbers aside."""
        kwargs = dict(kwargs or {})
        tensors = [each for each in tree_flatten((args, kwargs))[0] if isinstance(each, torch.Tensor)]
        elsewhere = [each for each in tensors if isinstance(each, Elsewhere)]
        named = kwargs.get("device")
        there = torch.device(named) == DEVICE if named is not None else bool(elsewhere)
        name = func._schema.name
        if elsewhere and name not in COPIES and not (name in INDEXED and isinstance(args[0], Elsewhere)):
            for each in tensors:
                if each.ndim and not isinstance(each, Elsewhere):
                    raise RuntimeError(f"{func}: tensors of two devices, shapes {[t.shape for t in tensors]}")
        if named is not None:
            kwargs["device"] = torch.device("cpu")
        found = func(*tree_map(_unwrapped, args), **tree_map(_unwrapped, kwargs))
        if not there:
            return found
        if name.endswith("_") and elsewhere:
            if torch.Tag.inplace_view in func.tags:
                with no_dispatch():
                    func(*args, **kwargs)  # the shape of what wraps changes with that of what is wrapped
            return args[0]
        return tree_map(lambda each: Elsewhere(each) if isinstance(each, torch.Tensor) else each, found)


@contextmanager
def device() -> Iterator[torch.device]:
    """Switch the device on: `moved` gives tensors on it, `moved_network` networks; its generators are the CPU's."""
    with mock.patch.multiple(torch, tensor=_made(torch.tensor), as_tensor=_made(torch.as_tensor)), Device():
        yield DEVICE


def _made(function: Callable[..., torch.Tensor]) -> Callable[..., torch.Tensor]:
    """`torch.tensor` and the like, which reach no dispatch with their values."""

    def made(*values: Any, device: Any = None, **more: Any) -> torch.Tensor:
        there = device is not None and torch.device(device) == DEVICE
        found = function(*values, device="cpu" if there else device, **more)
        return moved(found) if there and not isinstance(found, Elsewhere) else found

    return made


def moved(tensor: torch.Tensor) -> torch.Tensor:
    """A tensor on the device."""
    return Elsewhere(tensor.detach().clone())


def moved_network(model: nn.Module) -> Any:
    """A copy of a network on the device."""
    found = copy.deepcopy(model)
    for module in found.modules():
        for name, parameter in module._parameters.items():
            if parameter is not None:
                module._parameters[name] = nn.Parameter(moved(parameter))
        for name, buffer in module._buffers.items():
            if buffer is not None:
                module._buffers[name] = moved(buffer)
    return found
