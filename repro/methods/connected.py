"""Which configurations L connects: the rows of L that a batch of samples needs, zero entries left out.

A row L_a^b of a model with one- and two-site terms reaches b = a, b with one outcome changed, and b with both outcomes
of a bond changed. What different terms put on the same b is summed here, so that every neighbour appears once.

Tensor suffixes: B samples, N sites, P pairs of sites with a term, F possible changes, E entries of L.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from repro.ansatz.transformer import OUTCOMES
from repro.physics.liouvillian import LocalLiouvillian
from repro.physics.local_generators import ZERO_ENTRY, LocalGenerator

SHIFTS = (1, 2, 3)


@dataclass(frozen=True)
class Neighbours:
    """The non-zero entries of L in the rows of a batch.

    Attributes:
        configurations_EN: b of each entry, site order, uint8.
        sample_E: the sample whose row it is in, ascending.
        entry_E: L_a^b, units of gamma.
        diagonal_B: L_a^a; the samples themselves are not repeated among the entries.
    """

    configurations_EN: torch.Tensor
    sample_E: torch.Tensor
    entry_E: torch.Tensor
    diagonal_B: torch.Tensor


class NeighbourTables:
    """Rows of L by table look-up.

    A change is numbered by what it adds to the outcomes modulo 4: 3 changes on each site, then 9 on each pair.

    Args:
        liouvillian: L as a sum of terms on one or two sites.
    """

    def __init__(self, liouvillian: LocalLiouvillian) -> None:
        self.n_sites = liouvillian.n_sites
        one_site = [term for term in liouvillian.terms if len(term.sites) == 1]
        pairs = [term for term in liouvillian.terms if len(term.sites) == 2]
        self.pairs_P2 = torch.tensor([term.sites for term in pairs], dtype=torch.long).view(-1, 2)
        site_N44 = np.zeros((self.n_sites, 4, 4))
        for term in one_site:
            site_N44[term.sites[0]] += _by_shift(term)
        pair_P1644 = np.array([_by_shift(term) for term in pairs]).reshape(-1, 16, 4, 4)
        self.site_N44 = torch.from_numpy(site_N44)
        self.pair_P1644 = torch.from_numpy(pair_P1644)
        self.shifts_FN = _shifts(self.n_sites, self.pairs_P2)
        self._device = torch.device("cpu")

    def rows(self, samples_BN: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """L_a^a, shape (B,), and L_a^b of all possible changes, shape (B, F), zeros included."""
        self._move(samples_BN.device)
        N = samples_BN.shape[1]
        first_P, second_P = self.pairs_P2.unbind(1)
        outcomes_BP = OUTCOMES * samples_BN[:, first_P] + samples_BN[:, second_P]
        site_BN4 = self.site_N44[torch.arange(N, device=samples_BN.device), samples_BN]
        pair_BP44 = self.pair_P1644[torch.arange(len(first_P), device=samples_BN.device), outcomes_BP]
        diagonal_B = site_BN4[:, :, 0].sum(1) + pair_BP44[:, :, 0, 0].sum(1)
        single_BN3 = site_BN4[:, :, 1:].contiguous()
        single_BN3.index_add_(1, first_P, pair_BP44[:, :, 1:, 0])
        single_BN3.index_add_(1, second_P, pair_BP44[:, :, 0, 1:])
        return diagonal_B, torch.cat([single_BN3.flatten(1), pair_BP44[:, :, 1:, 1:].flatten(1)], dim=1)

    def of(self, samples_BN: torch.Tensor, dtype: torch.dtype = torch.float32) -> Neighbours:
        """The non-zero entries of the samples' rows."""
        diagonal_B, entry_BF = self.rows(samples_BN)
        sample_E, change_E = torch.nonzero(entry_BF.abs() > ZERO_ENTRY, as_tuple=True)
        configurations_EN = samples_BN.to(torch.uint8)[sample_E] + self.shifts_FN[change_E]
        configurations_EN &= OUTCOMES - 1
        entry_E = entry_BF[sample_E, change_E].to(dtype)
        return Neighbours(configurations_EN, sample_E, entry_E, diagonal_B.to(dtype))

    def double_changes_P(self) -> torch.Tensor:
        """Mean number of non-zero double changes on every pair, over its 16 outcomes."""
        return (self.pair_P1644[:, :, 1:, 1:].abs() > ZERO_ENTRY).double().sum((2, 3)).mean(1)

    def _move(self, device: torch.device) -> None:
        if device != self._device:
            for name in ("pairs_P2", "site_N44", "pair_P1644", "shifts_FN"):
                setattr(self, name, getattr(self, name).to(device))
            self._device = device


def _by_shift(term: LocalGenerator) -> np.ndarray:
    """A term's matrix with columns numbered by the change: (4, 4), or (16, 4, 4) for two sites."""
    sites = len(term.sites)
    rows = np.indices((4,) * (2 * sites))
    outcome, shift = rows[:sites], rows[sites:]
    reached = (outcome + shift) % 4
    matrix = term.matrix.reshape((4,) * (2 * sites))[(*outcome, *reached)]
    return matrix.reshape((4, 4) if sites == 1 else (16, 4, 4))


def _shifts(n_sites: int, pairs_P2: torch.Tensor) -> torch.Tensor:
    """What each change adds to every site's outcome, shape (F, N), uint8."""
    shifts = torch.zeros(3 * n_sites + 9 * len(pairs_P2), n_sites, dtype=torch.uint8)
    for site in range(n_sites):
        for index, shift in enumerate(SHIFTS):
            shifts[3 * site + index, site] = shift
    for number, (i, j) in enumerate(pairs_P2.tolist()):
        for first, shift_i in enumerate(SHIFTS):
            for second, shift_j in enumerate(SHIFTS):
                row = 3 * n_sites + 9 * number + 3 * first + second
                shifts[row, i], shifts[row, j] = shift_i, shift_j
    return shifts
