"""The Lindblad equation as a probability equation (Eqs. 2-3): dp(a)/dt = sum_b p(b) L_a^b, L acting on all of p.

L is a sum of local terms (`repro.physics.local_generators`). They are merged into few on up to three sites, and act on
a tensor of shape (4,) * N, axis k the outcome of site k.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any, TypeVar

import numpy as np
import torch

from repro.physics.lindblad import LindbladModel
from repro.physics.local_generators import LocalGenerator, local_generators
from repro.physics.povm import Povm
from repro.utils.errors import InputError
from repro.utils.validation import check_instance

ArrayOrTensor = TypeVar("ArrayOrTensor", np.ndarray, torch.Tensor)

# Terms are merged on up to three sites before they act on the dense tensor: a 64x64 matrix product costs less
# than the permutations that separate two-site terms would need.
CLUSTER_SITES = 3


def embed(generator: LocalGenerator, sites: Sequence[int]) -> np.ndarray:
    """The generator's matrix on a larger list of sites, identity on the others, shape (4^s, 4^s)."""
    n = len(sites)
    where = [list(sites).index(site) for site in generator.sites]
    rest = [k for k in range(n) if k not in where]
    full = np.kron(generator.matrix, np.eye(4 ** len(rest))).reshape((4,) * (2 * n))
    axes = np.argsort(where + rest)
    return full.transpose(*axes, *(axes + n)).reshape(4**n, 4**n)


def clusters(terms: Sequence[LocalGenerator], size: int = CLUSTER_SITES) -> tuple[LocalGenerator, ...]:
    """The same generator as fewer terms on up to `size` sites each.

    Greedy: the site set that swallows most of the remaining terms comes first.
    """
    remaining = list(terms)
    merged = []
    while remaining:
        candidates = {term.sites for term in remaining}
        candidates |= {
            tuple(sorted({*first.sites, *second.sites}))
            for first, second in product(remaining, remaining)
            if len({*first.sites, *second.sites}) <= size
        }
        sites = max(
            sorted(candidates, key=lambda c: (len(c), c)),
            key=lambda c: sum(set(term.sites) <= set(c) for term in remaining),
        )
        inside = [term for term in remaining if set(term.sites) <= set(sites)]
        merged.append(LocalGenerator(sites, np.sum([embed(term, sites) for term in inside], axis=0)))
        remaining = [term for term in remaining if not set(term.sites) <= set(sites)]
    return tuple(merged)


@dataclass(frozen=True)
class _Layout:
    """An order of the axes in which some clusters stand on neighbouring axes, so that no term permutes by itself."""

    axes: tuple[int, ...]
    clusters: tuple[LocalGenerator, ...]

    def index(self) -> torch.Tensor:
        """Flat gather index from site order to this order of the axes."""
        n = len(self.axes)
        return torch.arange(4**n).view((4,) * n).permute(self.axes).flatten()

    def first_axis(self, cluster: LocalGenerator) -> int:
        return self.axes.index(cluster.sites[0])


def _layouts(parts: Sequence[LocalGenerator], n_sites: int) -> tuple[_Layout, ...]:
    """Few layouts that cover all clusters: site order for those on neighbouring sites, disjoint ones packed after."""
    in_place = [c for c in parts if c.sites == tuple(range(c.sites[0], c.sites[-1] + 1))]
    remaining = [c for c in parts if c not in in_place]
    layouts = [_Layout(tuple(range(n_sites)), tuple(in_place))] if in_place else []
    while remaining:
        packed: list[LocalGenerator] = []
        taken: set[int] = set()
        for cluster in remaining:
            if not taken & set(cluster.sites):
                packed.append(cluster)
                taken |= set(cluster.sites)
        rest = [site for site in range(n_sites) if site not in taken]
        layouts.append(_Layout((*(site for c in packed for site in c.sites), *rest), tuple(packed)))
        remaining = [c for c in remaining if c not in packed]
    return tuple(layouts)


class LocalLiouvillian:
    """L of a model in a POVM, as a sum of local generators.

    Args:
        model: the Lindblad equation.
        povm: the one-spin POVM used on every site.

    Attributes:
        n_sites: number of spins N.
        povm: the POVM.
        terms: local generators, one per set of sites.
        conserves: whether L keeps sum_a p(a); what does not has to be normalised after a step.

    Raises:
        InputError: not a model, or not a POVM.
    """

    conserves = True
    _local_generators = staticmethod(local_generators)

    def __init__(self, model: LindbladModel, povm: Povm) -> None:
        check_instance("model", model, LindbladModel)
        check_instance("povm", povm, Povm)
        self.n_sites = model.lattice.n_sites
        self.povm = povm
        self.terms = self._local_generators(model, povm)
        self._plans: dict[tuple[torch.dtype, torch.device], list[_LayoutAction]] = {}

    def apply(self, p: ArrayOrTensor) -> ArrayOrTensor:
        """dp/dt = L p (Eq. 2).

        Args:
            p: shape (4,) * N, axis k holds the outcome of site k; array or tensor. Differentiable for tensors.

        Returns:
            dp/dt, same shape and kind.
        """
        if isinstance(p, np.ndarray):
            return self.apply(torch.from_numpy(np.asarray(p, dtype=np.float64))).numpy()
        self._check_shape(p)
        return _DenseAction.apply(p, self)

    def apply_transposed(self, f: torch.Tensor) -> torch.Tensor:
        """(L^T f)(b) = sum_a f(a) L_a^b: how expectation values change in time, shape (4,) * N."""
        self._check_shape(f)
        return self._contract(f, transposed=True)

    def _check_shape(self, p: torch.Tensor) -> None:
        if p.shape != (4,) * self.n_sites:
            raise InputError(f"tensor of shape {tuple(p.shape)}, expected (4,) * {self.n_sites}")

    def _contract(self, p: torch.Tensor, transposed: bool) -> torch.Tensor:
        flat = p.reshape(-1)
        parts = [action(flat, transposed) for action in self._plan(p)]
        return (sum(parts[1:], start=parts[0]) if parts else torch.zeros_like(flat)).view(p.shape)

    def _plan(self, like: torch.Tensor) -> list[_LayoutAction]:
        key = (like.dtype, like.device)
        if key not in self._plans:
            layouts = _layouts(clusters(self.terms), self.n_sites)
            self._plans[key] = [_LayoutAction(layout, like) for layout in layouts]
        return self._plans[key]


class _LayoutAction:
    """The terms of one layout acting on a flat (4^N,) tensor."""

    def __init__(self, layout: _Layout, like: torch.Tensor) -> None:
        n = len(layout.axes)
        self.permuted = layout.axes != tuple(range(n))
        self.index = layout.index().to(like.device)
        self.inverse = torch.argsort(self.index)
        self.parts = [
            (4 ** layout.first_axis(c), torch.tensor(c.matrix, dtype=like.dtype, device=like.device))
            for c in layout.clusters
        ]

    def __call__(self, flat: torch.Tensor, transposed: bool) -> torch.Tensor:
        moved = flat.index_select(0, self.index) if self.permuted else flat
        out = torch.zeros_like(moved)
        for before, matrix in self.parts:
            acting = matrix.T if transposed else matrix
            shaped = moved.view(before, matrix.shape[0], -1)
            if shaped.shape[-1] == 1:
                out += (shaped[..., 0] @ acting.T).flatten()
            else:
                out += (acting @ shaped).flatten()
        return out.index_select(0, self.inverse) if self.permuted else out


class _DenseAction(torch.autograd.Function):
    """L p with the gradient L^T g: nothing of the forward pass has to be kept."""

    @staticmethod
    def forward(ctx: Any, p: torch.Tensor, liouvillian: LocalLiouvillian) -> torch.Tensor:
        ctx.liouvillian = liouvillian
        return liouvillian._contract(p, transposed=False)

    @staticmethod
    def backward(ctx: Any, *grads: torch.Tensor) -> tuple[torch.Tensor, None]:
        return ctx.liouvillian.apply_transposed(grads[0]), None
