"""The ledger: every claim of the paper, the test that decides it, and a verdict that follows from the tables alone.

Thresholds are constants of `evolution` and `steady`, written down before the tables they judge were complete.
"""

from __future__ import annotations

from repro.claims import evolution, steady
from repro.claims.claim import Claim

CLAIMS: tuple[Claim, ...] = (
    Claim(
        1,
        "Dynamics tracks the exact curve in one dimension and on the 3x3 lattice, best at small and large times",
        "main text, Fig. 2",
        "matches closely; especially accurate at small and large time",
        f"largest |<sigma_z> - exact| <= {evolution.TRACKS} on every curve with an exact one; mean deviation of the "
        "first and of the last fifth below that of the middle",
        evolution.tracks_exact,
    ),
    Claim(
        2,
        "Variational steady states of the Ising ring agree with exact for all three Paulis, also where 1 < g < 2.5, "
        "where the density matrix as an RBM fails",
        "main text, Fig. 3",
        "strong agreement; particularly well for 1 < g < 2.5",
        f"every g: |<sigma_w> - exact| <= {steady.AGREES}; RBM for 1 < g < 2.5: worst deviation above that and "
        f"{steady.FAILS:g} times ours",
        steady.agrees_where_rbm_fails,
    ),
    Claim(
        3,
        "Averaging runs improves <sigma_x> and <sigma_y>",
        "supplement V, Fig. S5",
        "the average is indeed better",
        f"at least {steady.SEEDS} runs: the average is closer to exact than the median run, for both",
        steady.averaging_helps,
    ),
    Claim(
        4,
        "On the 3x3 lattice the variational error shrinks with depth and width, marginally until 2x64",
        "main text, Fig. 4a",
        "improvement marginal until two layers and width 64",
        "median deviation over J_y falls from 1x32 to 1x64 and 2x32 and on to 2x64; the gain before 2x64 is at most "
        f"{steady.MARGINAL:g} of the whole",
        steady.size_helps,
    ),
    Claim(
        5,
        "String 1 is slightly better than string 0",
        "main text, Fig. 4b",
        "marginally superior",
        f"paired over seeds and sizes: gain above {steady.SIGMAS:g} standard errors and below half the deviation",
        steady.string_one_beats_zero,
    ),
    Claim(
        6,
        "More strings are significantly better, up to eight, for any size",
        "main text, Fig. 4b",
        "significant improvement for any Transformer",
        f"every size with {steady.SEEDS} seeds: gain from 1s to 8s above {steady.SIGMAS:g} standard errors, no rise on "
        "the way beyond one",
        steady.more_strings_help,
    ),
    Claim(
        7,
        "Eight strings at 1x32 come near one string at 2x64",
        "main text, Fig. 4b",
        "similar accuracy",
        f"mean deviations apart by at most {steady.CLOSE} or {steady.SIGMAS:g} standard errors",
        steady.eight_strings_like_large,
    ),
    Claim(
        8,
        "The steady state reached by dynamics is significantly better than the variational one",
        "main text, Fig. 4a",
        "significantly more accurate",
        f"mean deviation over J_y at most {evolution.BETTER:g} of the variational one's, both 1x32",
        evolution.dynamics_beats_variational,
    ),
    Claim(
        9,
        "Variational then dynamics reaches the same steady state as dynamics at less computing time",
        "main text, Figs. 4a, S1",
        "same steady state, reduced time",
        f"steady <sigma_z> apart by at most {evolution.SAME}; wall time until it stays within {evolution.TRACKS} of "
        "its end, the search included, shorter",
        evolution.second_stage_saves_time,
    ),
    Claim(
        10,
        "The variational loss converges, and so does the observable of the second stage",
        "supplement III, Figs. S1, S2",
        "converges",
        f"median loss of the last two fifths within {100 * steady.FLAT:g} %; last two fifths of the second stage "
        f"within {evolution.SAME}",
        steady.loss_converges,
    ),
    Claim(
        11,
        "At ten times the energy short times are very precise, and long times converge to the right steady state as N "
        "grows",
        "supplement IV, Figs. S3, S4",
        "great precision; starts to converge as the size grows",
        f"short times: largest deviation <= {evolution.SHORT}; steady deviation smaller on the largest ring than on "
        "the smallest, rank correlation with N negative",
        evolution.larger_energies,
    ),
    Claim(
        12,
        "The dynamics has no numerical fixed point: <sigma_z> fluctuates about a value",
        "main text, supplement VII",
        "fluctuates around a fixed value",
        f"last fifth: root mean square change per time step above {evolution.FLUCTUATES:g}, and"
        f" its halves at most {evolution.SAME} apart",
        evolution.no_fixed_point,
    ),
    Claim(
        13,
        "The sign-augmented loss gives some improvement, unstably",
        "supplement VII, Eq. S25",
        "some improvements, performances unstable",
        f"some lambda: gain above {steady.SIGMAS:g} standard errors; spread over seeds above twice the plain loss's",
        steady.sign_loss_helps_unstably,
    ),
    Claim(
        14,
        "Beside the paper: sampling without the causal mask, as the public code does, leaves two-layer results "
        "unchanged",
        "public code",
        "not stated",
        f"3x3, J_y = 1.8: <sigma_z> with and without the mask apart by at most {steady.SIGMAS:g} standard errors",
        steady.sampling_fault,
    ),
)
