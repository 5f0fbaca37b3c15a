"""A loss and its gradient recorded once and replayed: one launch in place of many small ones (CUDA graphs).

A recording holds kernels and addresses, not the Python that launched them. So what changes between iterations has to
lie where it lay: parameters are changed in place, all else is copied into tensors that the recording reads. Shapes and
Python's numbers stay those of the recording; nothing in it may wait for the device.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import torch

from repro.utils.errors import InputError

LossAndStats = tuple[torch.Tensor, dict[str, torch.Tensor]]
Action = Callable[[], None]
Recorder = Callable[[Action, torch.device], Action]
"""Records what an action launches on a device, and gives what launches it again. Its results mean nothing before."""
WARM_UP = 3
"""Times that an action runs before it is recorded: libraries set themselves up, constants are made and kept."""
_recording = ContextVar("recording", default=False)


def recording() -> bool:
    """Whether what is computed now is to be replayed: no value of a tensor may be asked for."""
    return _recording.get()


@contextmanager
def _being_recorded() -> Iterator[None]:
    token = _recording.set(True)
    try:
        yield
    finally:
        _recording.reset(token)


def record_on_gpu(action: Action, device: torch.device) -> Action:
    """Record an action as a CUDA graph; calling what is returned runs all of it by one launch.

    Args:
        action: the same kernels on the same tensors at every call, no waiting for the device.
        device: a CUDA device.

    Raises:
        RuntimeError: the action does what no graph can hold.
    """
    with torch.cuda.device(device):
        side = torch.cuda.Stream()
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            for _ in range(WARM_UP):
                action()
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, stream=side):
            action()
        torch.cuda.current_stream().wait_stream(side)
    return graph.replay


def recorder_of(device: str) -> Recorder:
    """How iterations are recorded on a device.

    Raises:
        InputError: it is no GPU.
    """
    if device.partition(":")[0] != "cuda":
        raise InputError(f"graphs on device '{device}': expected cuda or cuda:N, whose kernels are what is recorded")
    return record_on_gpu


class Replayed:
    """A loss that is recorded together with its gradient at the first call, and replayed at every later one.

    What it returns is what `loss` returns; the gradient comes from the recording when `backward` asks for it. Inputs of
    other shapes than the first ones are evaluated as ever. Where a replay's loss is not finite, as where attention has
    become too sharp for single precision (`FirstLayerTable.attention_weights`), the recording is given up for good, and
    a warning says so.

    Args:
        loss: (*inputs) -> (loss, statistics), a function of the inputs and of the parameters alone.
        parameters: changed in place, never replaced.
        record: how to record.
    """

    def __init__(
        self, loss: Callable[..., LossAndStats], parameters: Iterable[torch.nn.Parameter], record: Recorder
    ) -> None:
        self.loss, self.record = loss, record
        self.parameters = [each for each in parameters if each.requires_grad]
        self.given_up = False
        self._kept: _Recording | None = None

    def __call__(self, *inputs: torch.Tensor) -> LossAndStats:
        """The loss and its statistics at these inputs; waits once for the device."""
        if self.given_up:
            return self.loss(*inputs)
        if self._kept is None:
            self._kept = _Recording(self.loss, self.parameters, inputs, self.record)
        if not self._kept.takes(inputs):
            return self.loss(*inputs)
        value, stats = self._kept.replay(inputs)
        if math.isfinite(float(value.detach())):
            return value, stats
        self.given_up, self._kept = True, None
        warnings.warn("graphs: a loss is not finite; iterations are evaluated from here on", stacklevel=2)
        return self.loss(*inputs)


class _Recording:
    """One recording: the tensors that it reads, and those that it writes.

    Args: as of `Replayed`, and the inputs whose shapes it takes.
    """

    def __init__(
        self,
        loss: Callable[..., LossAndStats],
        parameters: Sequence[torch.nn.Parameter],
        inputs: Sequence[torch.Tensor],
        record: Recorder,
    ) -> None:
        self.loss, self.parameters = loss, parameters
        self.inputs = [_copy(each) for each in inputs]
        with _being_recorded():
            value, stats, grads = self._evaluated()
            self.value, self.stats = _copy(value), {name: _copy(each) for name, each in stats.items()}
            self.grads = [None if each is None else _copy(each) for each in grads]
            self._again = record(self._evaluate_in_place, value.device)

    def _evaluated(self) -> tuple[torch.Tensor, dict[str, torch.Tensor], list[torch.Tensor | None]]:
        """Loss, statistics and the gradient of every parameter, None where the loss does not depend on it."""
        value, stats = self.loss(*self.inputs)
        grads = torch.autograd.grad(value, self.parameters, allow_unused=True)
        return value.detach(), stats, list(grads)

    def _evaluate_in_place(self) -> None:
        """Evaluate into the tensors of the first evaluation."""
        value, stats, grads = self._evaluated()
        into = [self.value, *self.stats.values(), *(each for each in self.grads if each is not None)]
        torch._foreach_copy_(into, [value, *stats.values(), *(each for each in grads if each is not None)])

    def takes(self, inputs: Sequence[torch.Tensor]) -> bool:
        """Whether inputs have the shapes, types and device of those recorded."""
        kinds = [[(each.shape, each.dtype, each.device) for each in some] for some in (inputs, self.inputs)]
        return kinds[0] == kinds[1]

    def replay(self, inputs: Sequence[torch.Tensor]) -> LossAndStats:
        """Loss with its gradient, and statistics, at other inputs and at the parameters as they are."""
        for into, each in zip(self.inputs, inputs, strict=True):
            into.copy_(each)
        self._again()
        value = _Known.apply(self.value, self.grads, *self.parameters)
        return value, {name: each.clone() for name, each in self.stats.items()}


def _copy(tensor: torch.Tensor) -> torch.Tensor:
    """A tensor of its own that can be written to."""
    return tensor.detach().clone(memory_format=torch.contiguous_format)


class _Known(torch.autograd.Function):
    """A loss whose gradient is known."""

    @staticmethod
    def forward(ctx: Any, value: torch.Tensor, grads: list[torch.Tensor | None], *_: torch.Tensor) -> torch.Tensor:
        ctx.grads = grads
        return value.clone()

    @staticmethod
    def backward(ctx: Any, *grads: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        # a tensor of its own, which the next replay does not write over
        return None, None, *(None if each is None else grads[0] * each for each in ctx.grads)
