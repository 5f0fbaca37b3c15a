"""From a point to what trains: its distribution, its estimator, and generators that depend on their key alone."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterator

import torch

from repro.ansatz.string_mixture import StringMixture
from repro.ansatz.transformer import Transformer
from repro.ansatz.unmasked_sampling import unmasked_sample
from repro.config import estimator as settings
from repro.config.point import Point
from repro.methods.estimators import Enumeration, Estimator, Naive
from repro.methods.sampled import Sampled


def seeded_generator(device: torch.device, *key: int) -> torch.Generator:
    """A generator that depends on all of `key` (seed, rank, time step, iteration), equal keys giving equal draws."""
    digest = hashlib.sha256(repr(key).encode()).digest()
    return torch.Generator(device).manual_seed(int.from_bytes(digest[:8], "big") >> 1)


@contextlib.contextmanager
def single_precision() -> Iterator[None]:
    """What is made within is in single precision, whatever torch's default type is; that is put back."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float32)
    try:
        yield
    finally:
        torch.set_default_dtype(before)


def build_ansatz(point: Point) -> StringMixture:
    """The point's distribution at its start: the initial product state (S VI), weights drawn from the seed."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(point.seed)
        bias = torch.as_tensor(point.system.start_bias())
        transformer = Transformer(point.ansatz.transformer(point.lattice.n_sites), bias)
    return StringMixture(transformer, point.orders, point.outcome_maps)


def build_estimator(point: Point, memory: int | None = None, ranks: int = 1) -> Estimator:
    """The point's way to evaluate the residual.

    Args:
        point: what is computed.
        memory: bytes that one evaluation of the sampled estimator may take; None: no limit.
        ranks: processes that share the draws.
    """
    chosen = point.estimator
    if isinstance(chosen, settings.Enumeration):
        draw = unmasked_sample if chosen.sampling == "unmasked" else None
        return Enumeration(point.liouvillian, chosen.n_samples, draw)
    share = chosen.draws // ranks
    if isinstance(chosen, settings.Naive):
        return Naive(point.liouvillian, share)
    return Sampled(point.liouvillian, share, memory)
