"""The ledger: every claim of the paper, the test that decides it, and a verdict that follows from the tables alone.

Bounds are constants of `evolution`, `steady` and `seeds`: parts of an effect, such as the range of a curve or the gain
of something else. Most were rewritten after first numbers were known; those then had other bounds (`docs/notebook.md`).
"""

from __future__ import annotations

from repro.claims import evolution, seeds, steady
from repro.claims.claim import Claim

CLAIMS: tuple[Claim, ...] = (
    Claim(
        1,
        "Dynamics tracks the exact curve in one dimension and on the 3x3 lattice, best at small and large times",
        "main text, Fig. 2",
        "matches closely; especially accurate at small and large time",
        f"every curve: largest |<sigma_z> - exact| over the range of the exact curve <= {evolution.TRACKS}; "
        "mean deviation of the first and of the last fifth over that of the middle <= 1",
        evolution.tracks_exact,
    ),
    Claim(
        2,
        "Variational steady states of the Ising ring agree with exact for all three Paulis, also where 1 < g < 2.5, "
        "where the density matrix as an RBM fails",
        "main text, Fig. 3",
        "strong agreement; particularly well for 1 < g < 2.5",
        f"mean |<sigma_w> - exact| over the range of each exact curve: ours <= {steady.AGREES}, over all g and for "
        f"1 < g < 2.5; the RBM's above {steady.AGREES} for 1 < g < 2.5",
        steady.agrees_where_rbm_fails,
    ),
    Claim(
        3,
        "Averaging runs improves <sigma_x> and <sigma_y>",
        "supplement V, Fig. S5",
        "the average is indeed better",
        f"deviation of the average over root mean square deviation of a run <= {steady.RANDOM:.3g} for both (half of "
        "a run's variance is random), jackknife errors",
        steady.averaging_helps,
    ),
    Claim(
        4,
        "On the 3x3 lattice the variational error shrinks with depth and width, marginally until 2x64",
        "main text, Fig. 4a",
        "improvement marginal until two layers and width 64",
        "paired over J_y and seeds, physical states alone: gain from 1x32 to 2x64 above 0; mean gain at 1x64 and 2x32 "
        f"at most {steady.MARGINAL:g} of it",
        steady.size_helps,
    ),
    Claim(
        5,
        "String 1 is slightly better than string 0",
        "main text, Fig. 4b",
        "marginally superior",
        f"paired over seeds and sizes: gain above 0, and at most {seeds.SLIGHT:g} of the deviation",
        seeds.string_one_beats_zero,
    ),
    Claim(
        6,
        "More strings are significantly better, up to eight, for any size",
        "main text, Fig. 4b",
        "significant improvement for any Transformer",
        f"every size with {seeds.SEEDS} seeds: gain from 1s to 8s above 0, no rise on the way beyond {seeds.SLIGHT:g} "
        "of it",
        seeds.more_strings_help,
    ),
    Claim(
        7,
        "Eight strings at 1x32 come near one string at 2x64",
        "main text, Fig. 4b",
        "similar accuracy",
        f"mean deviations apart by at most {seeds.SLIGHT:g} of what eight strings gain at 1x32",
        seeds.eight_strings_like_large,
    ),
    Claim(
        8,
        "The steady state reached by dynamics is significantly better than the variational one",
        "main text, Fig. 4a",
        "significantly more accurate",
        f"paired over J_y: {evolution.BETTER:g} times the variational deviation minus that of the dynamics above 0, "
        "both 1x32",
        evolution.dynamics_beats_variational,
    ),
    Claim(
        9,
        "Variational then dynamics reaches the same steady state as dynamics at less computing time",
        "main text, Figs. 4a, S1",
        "same steady state, reduced time",
        f"over J_y: distance of the steady <sigma_z> at most {evolution.SAME}; logarithm of the ratio of wall times "
        f"(of shared machines) until it stays within {evolution.SETTLED} of its end, the search included, at most 0",
        evolution.second_stage_saves_time,
    ),
    Claim(
        10,
        "The variational loss converges, and so does the observable of the second stage",
        "supplement III, Figs. S1, S2",
        "converges",
        f"median loss of the last two fifths within {100 * steady.FLAT:g} %; last two fifths of the second stage "
        f"within {evolution.SAME}, spread of the last at most that",
        steady.loss_converges,
    ),
    Claim(
        11,
        "At ten times the energy short times are very precise, and long times converge to the right steady state as N"
        " grows",
        "supplement IV, Figs. S3, S4",
        "great precision; starts to converge as the size grows",
        f"short times: largest deviation over the range of the exact curve <= {evolution.TRACKS} on every ring; steady "
        "deviation of the largest ring over that of the smallest at most 1",
        evolution.larger_energies,
    ),
    Claim(
        12,
        "The dynamics has no numerical fixed point: <sigma_z> fluctuates about a value",
        "main text, supplement VII",
        "fluctuates around a fixed value",
        f"over J_y, last fifth: root mean square change per time step above {evolution.FLUCTUATES:g} (logarithm of the "
        f"ratio), and its halves at most {evolution.SAME} apart",
        evolution.no_fixed_point,
    ),
    Claim(
        13,
        "The sign-augmented loss gives some improvement, unstably",
        "supplement VII, Eq. S25",
        "some improvements, performances unstable",
        "best lambda: gain above 0; some lambda: spread over seeds above the plain loss's",
        seeds.sign_loss_helps_unstably,
    ),
    Claim(
        14,
        "Beside the paper: sampling without the causal mask, as the public code does, leaves two-layer results "
        "unchanged",
        "public code",
        "not stated",
        f"3x3, J_y = 1.8: <sigma_z> with and without the mask apart by at most {steady.CLOSE}",
        steady.sampling_fault,
    ),
    Claim(
        15,
        "Beside the paper: variational steady states of the 3x3 lattice keep the exact ones' rotation by pi about z",
        "Fig. 4",
        "not stated",
        f"mean length of (<sigma_x>, <sigma_y>) over all searches, exact 0: at most {steady.CLOSE}",
        steady.keeps_the_rotation,
    ),
)
