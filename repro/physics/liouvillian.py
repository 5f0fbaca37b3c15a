"""The Lindblad equation as a probability equation (Eqs. 2-3): dp(a)/dt = sum_b p(b) L_a^b.

L is a sum of local generators. A term on sites S has a matrix L_a^b of shape (4^s, 4^s): row a (outcome reached),
column b (outcome left); outcomes of two sites are numbered 4 a_i + a_j. Columns sum to zero: probability is kept.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from typing import Any, TypeVar

import numpy as np
import torch

from repro.physics.lindblad import LindbladModel
from repro.physics.povm import Povm
from repro.utils.errors import InputError
from repro.utils.validation import check_instance

ArrayOrTensor = TypeVar("ArrayOrTensor", np.ndarray, torch.Tensor)

# Terms are merged on up to three sites before they act on the dense tensor: a 64x64 matrix product costs less
# than the permutations that separate two-site terms would need.
CLUSTER_SITES = 3
ZERO_ENTRY = 1e-12


@dataclass(frozen=True)
class LocalGenerator:
    """Part of L on a few sites: matrix[a, b] = L_a^b, shape (4^s, 4^s), units of gamma."""

    sites: tuple[int, ...]
    matrix: np.ndarray

    @cached_property
    def nonzero(self) -> np.ndarray:
        """Boolean (4^s, 4^s): where L_a^b differs from zero."""
        return np.abs(self.matrix) > ZERO_ENTRY


def _frame_products(frame: np.ndarray, n_sites: int) -> np.ndarray:
    """Tensor products of one-spin matrices, shape (4^s, 2^s, 2^s), first site slowest."""
    factors = [frame] * n_sites
    out = factors[0]
    for factor in factors[1:]:
        out = np.einsum("aij,bkl->abikjl", out, factor).reshape(out.shape[0] * 4, out.shape[1] * 2, out.shape[2] * 2)
    return out


def frames_of(operator: np.ndarray, povm: Povm) -> tuple[np.ndarray, np.ndarray]:
    """Frame M and dual frame N on the sites of a local operator, (4^s, 2^s, 2^s) each."""
    n_sites = operator.shape[0].bit_length() - 1
    return _frame_products(povm.frame, n_sites), _frame_products(povm.dual_frame, n_sites)


def hamiltonian_generator(operator: np.ndarray, povm: Povm) -> np.ndarray:
    """A_a^b = -i Tr(H [N^(b), M_(a)]) (Eq. 3) of a local Hamiltonian, shape (4^s, 4^s)."""
    M, N = frames_of(operator, povm)
    commutator = np.einsum("ij,bjk->bik", operator, N) - np.einsum("bij,jk->bik", N, operator)
    return np.einsum("aki,bik->ab", M, -1j * commutator).real


def jump_generator(operator: np.ndarray, rate: float, povm: Povm) -> np.ndarray:
    """B_a^b = gamma/2 Tr(2 G N^(b) G^+ M_(a) - G^+ G {N^(b), M_(a)}) (Eq. 3), shape (4^s, 4^s)."""
    M, N = frames_of(operator, povm)
    dagger = operator.conj().T
    loss = dagger @ operator
    refill = 2 * np.einsum("ij,bjk,kl->bil", operator, N, dagger)
    anticommutator = np.einsum("ij,bjk->bik", loss, N) + np.einsum("bij,jk->bik", N, loss)
    return rate / 2 * np.einsum("aki,bik->ab", M, refill - anticommutator).real


def local_generators(model: LindbladModel, povm: Povm) -> tuple[LocalGenerator, ...]:
    """All terms of a model in the POVM picture, summed where they share the same sites."""
    terms = [(term.sites, hamiltonian_generator(term.operator, povm)) for term in model.hamiltonian_terms]
    jumps = [(jump.sites, jump_generator(jump.operator, jump.rate, povm)) for jump in model.jumps]
    return summed([*terms, *jumps])


def summed(parts: Iterable[tuple[tuple[int, ...], np.ndarray]]) -> tuple[LocalGenerator, ...]:
    """Generators of matrices on one or two sites, pairs in ascending order, added where the sites are equal."""
    sums: dict[tuple[int, ...], np.ndarray] = {}
    for sites, matrix in parts:
        if len(sites) == 2 and sites[0] > sites[1]:
            sites = (sites[1], sites[0])
            matrix = matrix.reshape(4, 4, 4, 4).transpose(1, 0, 3, 2).reshape(16, 16)
        sums[sites] = sums.get(sites, 0) + matrix
    return tuple(LocalGenerator(sites, matrix) for sites, matrix in sorted(sums.items()))


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

    Greedy: the site set that swallows most of the terms left comes first.
    """
    left = list(terms)
    merged = []
    while left:
        candidates = {term.sites for term in left}
        candidates |= {
            tuple(sorted({*first.sites, *second.sites}))
            for first, second in product(left, left)
            if len({*first.sites, *second.sites}) <= size
        }
        sites = max(
            sorted(candidates, key=lambda c: (len(c), c)),
            key=lambda c: sum(set(term.sites) <= set(c) for term in left),
        )
        inside = [term for term in left if set(term.sites) <= set(sites)]
        merged.append(LocalGenerator(sites, np.sum([embed(term, sites) for term in inside], axis=0)))
        left = [term for term in left if not set(term.sites) <= set(sites)]
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
    left = [c for c in parts if c not in in_place]
    layouts = [_Layout(tuple(range(n_sites)), tuple(in_place))] if in_place else []
    while left:
        packed: list[LocalGenerator] = []
        taken: set[int] = set()
        for cluster in left:
            if not taken & set(cluster.sites):
                packed.append(cluster)
                taken |= set(cluster.sites)
        rest = [site for site in range(n_sites) if site not in taken]
        layouts.append(_Layout((*(site for c in packed for site in c.sites), *rest), tuple(packed)))
        left = [c for c in left if c not in packed]
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
