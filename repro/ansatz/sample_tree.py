"""The tree of unique prefixes of any list of configurations.

Sorted in visiting order, a configuration shares its first `split` outcomes with its predecessor and differs at position
`split`. So its prefixes longer than `split` are new: the tree falls into one path per configuration, from level
split + 1 down to level N - 1, and a node of level k stands for the prefix of k outcomes.

Tensor suffixes: M unique configurations, N sites, E configurations as given, X nodes of one level, P paths of one
group.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import torch

SITES_PER_WORD = 31


def sort_keys(configurations_EN: torch.Tensor) -> torch.Tensor:
    """Integers that order configurations lexicographically and are equal only for equal ones, shape (E,)."""
    key_E: torch.Tensor | None = None
    for columns_EN in configurations_EN.split(SITES_PER_WORD, dim=1):
        word_E = torch.zeros(len(columns_EN), dtype=torch.long, device=columns_EN.device)
        for outcome_E in columns_EN.unbind(1):
            word_E.mul_(4).add_(outcome_E)
        if key_E is None:
            key_E = word_E
        else:
            # ranks stay below 2^31, so two of them fit one word
            ranks = [torch.unique(part, return_inverse=True)[1] for part in (key_E, word_E)]
            key_E = (ranks[0] << 31) + ranks[1]
    assert key_E is not None
    return key_E


def unique_configurations(configurations_EN: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Distinct configurations, sorted by their sites' order, and where each given one is among them.

    Returns:
        configurations_MN, index_E.
    """
    key_E, order_E = torch.sort(sort_keys(configurations_EN))
    new_E = torch.ones_like(key_E, dtype=torch.bool)
    new_E[1:] = key_E[1:] != key_E[:-1]
    index_E = torch.empty_like(order_E)
    index_E[order_E] = new_E.cumsum(0) - 1
    return configurations_EN[order_E[new_E]], index_E


@dataclass(frozen=True)
class Level:
    """The nodes of one level, grouped by their newest outcome.

    Attributes:
        groups: for each newest outcome, the configurations that own its nodes; one group at level 0.
        node_M: for every configuration, its node's number in the order of the groups.
    """

    groups: list[torch.Tensor]
    node_M: torch.Tensor

    @property
    def n_nodes(self) -> int:
        """Nodes of this level."""
        return sum(len(group) for group in self.groups)


@dataclass(frozen=True)
class PathGroup:
    """The paths that start at one level.

    Attributes:
        n_paths, length: how many, and their nodes each.
        ancestors: path-order numbers of the nodes above each path, (P, start level); None at the root.
    """

    n_paths: int
    length: int
    ancestors: torch.Tensor | None


@dataclass(frozen=True)
class Paths:
    """Path order: nodes stored group after group, path after path, top to bottom.

    Attributes:
        groups: by start level.
        from_levels_V: number in level order (as in `Level`) of each node in path order; `to_levels_V` is the inverse.
    """

    groups: list[PathGroup]
    from_levels_V: torch.Tensor
    to_levels_V: torch.Tensor


class SampleTree:
    """Unique prefixes of distinct configurations.

    Args:
        outcomes_MN: distinct configurations in visiting order, lexicographically sorted, uint8.

    Attributes:
        outcomes_MN: the same.
        split_M: first position at which a configuration differs from its predecessor; -1 for the first one.
    """

    def __init__(self, outcomes_MN: torch.Tensor) -> None:
        self.outcomes_MN = outcomes_MN
        differs_MN = outcomes_MN[1:] != outcomes_MN[:-1]
        first = torch.full((1,), -1, dtype=torch.long, device=outcomes_MN.device)
        self.split_M = torch.cat([first, differs_MN.to(torch.uint8).argmax(1)])

    @property
    def n_sites(self) -> int:
        """N."""
        return self.outcomes_MN.shape[1]

    @cached_property
    def n_nodes(self) -> int:
        """Unique prefixes of 0 to N - 1 outcomes: network evaluations."""
        return int((self.n_sites - 1 - self.split_M).sum())

    @cached_property
    def levels(self) -> list[Level]:
        """Nodes by level, 0 to N - 1."""
        return [self._level(k) for k in range(self.n_sites)]

    def _level(self, k: int) -> Level:
        owns_M = self.split_M < k
        owner_X = owns_M.nonzero()[:, 0]
        if k == 0:
            return Level([owner_X], torch.zeros_like(self.split_M))
        newest_X = self.outcomes_MN[owner_X, k - 1]
        order_X = torch.argsort(newest_X, stable=True)
        grouped_X = torch.empty_like(order_X)
        grouped_X[order_X] = torch.arange(len(order_X), device=order_X.device)
        sizes = torch.bincount(newest_X, minlength=4).tolist()
        return Level(list(owner_X[order_X].split(sizes)), grouped_X[owns_M.cumsum(0) - 1])

    @cached_property
    def paths(self) -> Paths:
        """Nodes by path."""
        N, device = self.n_sites, self.split_M.device
        members = [(self.split_M == start - 1).nonzero()[:, 0] for start in range(N)]
        node_start_M = torch.zeros_like(self.split_M)
        base = 0
        for start, member_P in enumerate(members):
            length = N - start
            # the node of level k of configuration m has number node_start[m] + k
            node_start_M[member_P] = base + length * torch.arange(len(member_P), device=device) - start
            base += length * len(member_P)
        number = torch.arange(len(self.split_M), device=device)
        ancestors_by_level = []
        for k in range(N - 1):
            owner_M = torch.where(self.split_M < k, number, 0).cummax(0).values
            ancestors_by_level.append(node_start_M[owner_M] + k)
        groups = [
            PathGroup(
                len(member_P),
                N - start,
                torch.stack([ancestors_by_level[k][member_P] for k in range(start)], 1) if start else None,
            )
            for start, member_P in enumerate(members)
            if len(member_P)
        ]
        to_levels_V = torch.cat(
            [node_start_M[owner_X] + k for k, level in enumerate(self.levels) for owner_X in level.groups]
        )
        from_levels_V = torch.empty_like(to_levels_V)
        from_levels_V[to_levels_V] = torch.arange(len(to_levels_V), device=device)
        return Paths(groups, from_levels_V, to_levels_V)
