"""The paper's estimator at any size: samples and the neighbours that L connects, on a tree of unique prefixes.

Tensor suffixes: B samples, N sites, S strings, E non-zero entries of L, M distinct configurations.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch.utils.checkpoint import checkpoint

from repro.ansatz.sample_tree import SampleTree, sort_keys, unique_configurations
from repro.ansatz.sample_tree_network import tree_log_probs
from repro.ansatz.string_mixture import StringMixture
from repro.methods.batch_size import samples_within
from repro.methods.connected import Neighbours, NeighbourTables
from repro.methods.estimators import Evaluation, SamplingEstimator, check_sites
from repro.physics.liouvillian import LocalLiouvillian


@dataclass(frozen=True)
class BatchTrees:
    """Samples and their neighbours on one tree per component, ready for any distribution of the same components.

    Attributes:
        neighbours: non-zero entries of L in the samples' rows.
        trees: for each component of the mixture, the tree of samples and neighbours.
        of_samples, of_entries: for each, where samples and neighbours are among the tree's configurations.
    """

    neighbours: Neighbours
    trees: list[SampleTree]
    of_samples: list[torch.Tensor]
    of_entries: list[torch.Tensor]

    @property
    def n_nodes(self) -> int:
        """Network evaluations, all components together."""
        return sum(tree.n_nodes for tree in self.trees)

    @classmethod
    def build(cls, samples_BN: torch.Tensor, model: StringMixture, neighbours: Neighbours) -> BatchTrees:
        """Sort samples and neighbours as every component of a model reads them."""
        given_EN = torch.cat([samples_BN.to(torch.uint8), neighbours.configurations_EN])
        trees, of_samples, of_entries = [], [], []
        for read_EN in model.readings(given_EN):
            outcomes_MN, index_E = unique_configurations(read_EN)
            trees.append(SampleTree(outcomes_MN))
            of_samples.append(index_E[: len(samples_BN)])
            of_entries.append(index_E[len(samples_BN) :])
        return cls(neighbours, trees, of_samples, of_entries)

    def log_probs(self, model: StringMixture) -> tuple[torch.Tensor, torch.Tensor]:
        """log p of the samples (B,) and of the neighbours (E,)."""
        samples, entries = [], []
        for tree, of_samples, of_entries in zip(self.trees, self.of_samples, self.of_entries, strict=True):
            log_p_M = tree_log_probs(model.transformer, tree)
            samples.append(log_p_M[of_samples])
            entries.append(log_p_M[of_entries])
        return _mixed(samples), _mixed(entries)

    def p_and_Lp(
        self, model: StringMixture, reference_B: torch.Tensor | None = None
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """p(a) / q(a), (L p)(a) / q(a) and log q(a) of the samples; q is p itself unless a reference log q is given.

        Only ratios exp(log p(b) - log q(a)) are formed: p leaves float32's range near 63 sites.
        """
        log_p_B, log_p_E = self.log_probs(model)
        if reference_B is None:
            reference_B = log_p_B.detach()
        sample_E = self.neighbours.sample_E
        flow_E = self.neighbours.entry_E * torch.exp(log_p_E - reference_B[sample_E])
        p_B = torch.exp(log_p_B - reference_B)
        return p_B, (self.neighbours.diagonal_B * p_B).index_add(0, sample_E, flow_E), reference_B


def _mixed(log_probs: list[torch.Tensor]) -> torch.Tensor:
    if len(log_probs) == 1:
        return log_probs[0]
    return torch.logsumexp(torch.stack(log_probs), 0) - math.log(len(log_probs))


class Sampled(SamplingEstimator):
    """N_s draws from p; each distinct prefix of samples and neighbours goes through the network once.

    Args:
        liouvillian: L, terms on one or two sites.
        n_samples: draws N_s per evaluation.
        memory: bytes that one evaluation with its gradient may take; what does not fit at once goes through in parts
            that are evaluated again for the gradient. None: all at once.

    Raises:
        InputError: n_samples < 1, or a memory too small for a single sample.
    """

    def __init__(self, liouvillian: LocalLiouvillian, n_samples: int, memory: int | None = None) -> None:
        super().__init__(n_samples)
        self.n_sites = liouvillian.n_sites
        self.tables = NeighbourTables(liouvillian)
        self.memory = memory

    def evaluate_at(self, model: StringMixture, samples_BN: torch.Tensor, old: object | None = None) -> Evaluation:
        """The same on given configurations, weight 1/B each."""
        check_sites(model, self.n_sites)
        order_B, size = self._in_parts(model, samples_BN)
        whole = size == len(samples_BN)
        parts = [self._part(model, part_BN, old, whole) for part_BN in samples_BN[order_B].split(size)]
        back_B = torch.argsort(order_B)
        p_B, Lp_B, *old_p_Lp = (torch.cat(column)[back_B] for column in zip(*parts, strict=True))
        return Evaluation(p_B, Lp_B, torch.full_like(p_B.detach(), 1 / len(p_B)), *old_p_Lp)

    @torch.no_grad()
    def without_gradient(
        self, models: Sequence[StringMixture], samples_BN: torch.Tensor, reference_B: torch.Tensor
    ) -> list[tuple[torch.Tensor, ...]]:
        """p(a) / q(a) and (L p)(a) / q(a) of several distributions of the same components, q given by log q(a)."""
        order_B, size = self._in_parts(models[0], samples_BN)
        parts = []
        for part_B in order_B.split(size):
            tree = self.tree(models[0], samples_BN[part_B])
            parts.append([tree.p_and_Lp(model, reference_B[part_B])[:2] for model in models])
        back_B = torch.argsort(order_B)
        return [
            tuple(torch.cat(column)[back_B] for column in zip(*of_model, strict=True))
            for of_model in zip(*parts, strict=True)
        ]

    def _in_parts(self, model: StringMixture, samples_BN: torch.Tensor) -> tuple[torch.Tensor, int]:
        """A sorted order, in which samples of a part share prefixes, and the length of a part."""
        order_B = torch.argsort(sort_keys(samples_BN[:, model.orders_SN[0]]))
        size = len(samples_BN)
        if self.memory is not None:
            size = min(size, samples_within(self.memory, model, self.tables))
        return order_B, size

    def tree(self, model: StringMixture, samples_BN: torch.Tensor) -> BatchTrees:
        """The samples' neighbours and trees."""
        neighbours = self.tables.of(samples_BN, next(model.parameters()).dtype)
        return BatchTrees.build(samples_BN, model, neighbours)

    def _part(
        self, model: StringMixture, samples_BN: torch.Tensor, old: object | None, whole: bool
    ) -> tuple[torch.Tensor, ...]:
        """p and L p of some samples, and of the old state if there is one.

        Unless this is the whole batch nothing else is kept: the gradient evaluates it again.
        """
        if whole:
            tree = self.tree(model, samples_BN)
            p_B, Lp_B, reference_B = tree.p_and_Lp(model)
        else:
            p_B, Lp_B, reference_B = checkpoint(
                lambda: self.tree(model, samples_BN).p_and_Lp(model), use_reentrant=False, preserve_rng_state=False
            )
        if not isinstance(old, StringMixture):
            return p_B, Lp_B
        with torch.no_grad():
            old_tree = tree if whole else self.tree(old, samples_BN)
            return p_B, Lp_B, *old_tree.p_and_Lp(old, reference_B)[:2]
