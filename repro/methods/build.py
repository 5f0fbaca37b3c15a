"""From a point to what trains: its distribution, its estimator, and generators that depend on their key alone."""

from __future__ import annotations

import hashlib

import torch

from repro.ansatz.string_mixture import StringMixture
from repro.ansatz.strings import orders
from repro.ansatz.transformer import Transformer
from repro.ansatz.unmasked_sampling import unmasked_sample
from repro.config.point import Point
from repro.methods.estimators import Enumeration, Estimator, Naive
from repro.methods.sampled import Sampled


def seeded_generator(device: torch.device, *key: int) -> torch.Generator:
    """A generator that depends on all of `key` (seed, rank, time step, iteration), equal keys giving equal draws."""
    digest = hashlib.sha256(repr(key).encode()).digest()
    return torch.Generator(device).manual_seed(int.from_bytes(digest[:8], "big") >> 1)


def build_ansatz(point: Point) -> StringMixture:
    """The point's distribution at its start: the initial product state (S VI), weights drawn from the seed."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(point.seed)
        bias = torch.as_tensor(point.start_bias())
        transformer = Transformer(point.transformer_config(), bias)
    return StringMixture(transformer, orders(point.strings, point.build_lattice()))


def build_estimator(point: Point, memory: int | None = None, ranks: int = 1) -> Estimator:
    """The point's way to evaluate the residual.

    Args:
        point: what is computed.
        memory: bytes that one evaluation of the sampled estimator may take; None: no limit.
        ranks: processes that share the draws.
    """
    liouvillian = point.build_liouvillian()
    share = point.n_samples // ranks
    if point.estimator == "naive":
        return Naive(liouvillian, share)
    if point.estimator == "sampled":
        return Sampled(liouvillian, share, memory)
    draw = unmasked_sample if point.sampling == "unmasked" else None
    return Enumeration(liouvillian, share or None, draw)
