"""Further seeds, losses and faults that the ledger of claims needs beside the figures: 3x3, J_y = 1.8 where not said.

seeds: variational searches of Fig. 4(b) and evolutions of Fig. 4(a) with other seeds.
sizes: variational searches of Fig. 4(a) at every J_y with other seeds.
sign: the sign-augmented loss (Eq. S25) for several lambda. interpolated: the interpolated loss (Eq. S23).
sampling: two layers, sampled with the causal mask and without it as the public code does.
symmetry: variational searches whose p is symmetric under the rotation of every spin by pi about z, beside others.
collapse: the search of Fig. 4(a) that ended in no state, 2x64 at J_y = 1.0, over seeds, at its rate and a third of it.
2a, 2b, S4: evolutions of those figures with other seeds; of Fig. 2(b) at J_y = 1.8 they are among `seeds`.
"""

from __future__ import annotations

from typing import Any

from repro.config.listed import Listed
from repro.config.point import Point

from . import fig2, fig4, figS2, figS4

SEEDS, MORE_SEEDS = (0, 1, 2), tuple(range(8))
"""Where a run takes minutes, and where it takes seconds."""
MIXINGS = (0.99, 0.9, 0.5)
COLLAPSED: dict[str, Any] = {"layers": 2, "width": 64, "Jy": 1.0}
LOWER_RATE = 3.3e-3
CUBIC = "tetrahedral-cubic"
ANSATZES: tuple[tuple[str, dict[str, str]], ...] = tuple(
    (f"{strings}{ending}", {"strings": strings} | changes)
    for strings in ("0s", "symmetries")
    for ending, changes in (
        ("", {}),
        ("-cubic", {"povm": CUBIC}),
        ("-cubic-spinz", {"povm": CUBIC, "spin_symmetry": "z"}),
    )
)
"""Strings with the paper's tetrahedron, with one whose outcomes the rotation permutes, and made symmetric under it."""


def points(profile: str) -> tuple[Listed, ...]:
    """Every panel's points."""
    return {"smoke": _smoke, "quick": _quick, "workstation": _workstation, "paper": _paper}[profile]()


def exact_line(profile: str) -> tuple[Point, ...]:
    """The one exact steady state."""
    return (_searches(profile)[0].point,)


def _at_jy_of_strings(profile: str) -> list[Listed]:
    return [p.change(figure="ledger") for p in fig4.points(profile) if p.settings["Jy"] == fig4.JY_OF_STRINGS]


def _searches(profile: str) -> list[Listed]:
    """Fig. 4(b)'s variational points."""
    return [p.change(panel="seeds") for p in _at_jy_of_strings(profile) if p.panel == "b"]


def _evolutions(profile: str) -> list[Listed]:
    return [p.change(panel="seeds") for p in _at_jy_of_strings(profile) if p.settings["method"] != "variational"]


def _repeated(points: list[Listed], seeds: tuple[int, ...] = SEEDS) -> list[Listed]:
    return [point.change(seed=seed) for point in points for seed in seeds]


def _like_large(searches: list[Listed]) -> list[Listed]:
    """Claim 7 was within its error with eight seeds: as many again of what it compares."""
    sizes = {(1, 32, "0s"), (1, 32, "8s"), (2, 64, "0s")}
    compared = [p for p in searches if (p.settings["layers"], p.settings["width"], p.settings["strings"]) in sizes]
    return _repeated(compared, figS2.SEEDS)


def _losses(base: Listed, evolution: Listed, seeds: tuple[int, ...] = SEEDS) -> list[Listed]:
    """Eq. S25 beside the plain loss, and Eq. S23 growing from steady-state search to evolution half way."""
    sign = [base.change(panel="sign", objective="sign", mixing=mixing) for mixing in MIXINGS]
    half = evolution.change(
        panel="interpolated", objective="interpolated", mixing=0.0, mixing_time=evolution.settings["t_end"] / 2
    )
    return [*_repeated([base.change(panel="sign"), *sign], seeds), half]


def _sampling(
    base: Listed, sizes: tuple[tuple[int, int], ...], n_samples: int, seeds: tuple[int, ...] = SEEDS
) -> list[Listed]:
    drawn = [base.change(panel="sampling", layers=n, width=d, n_samples=n_samples) for n, d in sizes]
    return _repeated([point.change(sampling=how) for point in drawn for how in ("masked", "unmasked")], seeds)


def _symmetry(base: Listed) -> list[Listed]:
    """The shallow search by exact sums, with and without the symmetry."""
    exact = base.change(panel="symmetry", n_samples=None)
    return [
        exact.change(**changes, seed=seed, name=f"var-1x32-{name}" + (f"-seed{seed}" if seed else ""))
        for name, changes in ANSATZES
        for seed in SEEDS
    ]


def _sizes() -> list[Listed]:
    """Half a minute (1x32) to four minutes (2x64) of one core each; the first seed is Fig. 4's."""
    searches = [p for p in fig4.points("paper") if p.panel == "a" and p.settings["method"] == "variational"]
    return [p.change(figure="ledger", panel="sizes", seed=seed) for seed in SEEDS[1:] for p in searches]


def _collapse() -> list[Listed]:
    """About three minutes of one core each."""
    at_jy = (p for p in fig4.points("paper") if p.panel == "a" and COLLAPSED.items() <= p.settings.items())
    base = next(at_jy).change(figure="ledger", panel="collapse")
    rates = {"": base, "-lower-rate": base.change(learning_rate=LOWER_RATE)}
    return [
        point.change(seed=seed, name=f"var-2x64-0s-Jy1.0{ending}" + (f"-seed{seed}" if seed else ""))
        for ending, point in rates.items()
        for seed in MORE_SEEDS
    ]


def _curves() -> list[Listed]:
    """Half an hour of one core each on the lattice, 1.5 (S4) and 4 hours (2a) on ten spins; the first seed is shown."""
    shown = [p.change(figure="ledger", panel=f"2{p.panel}") for p in fig2.points("paper")]
    shown += [p.change(figure="ledger", panel="S4") for p in figS4.points("paper")]
    wanted = {("2a", 10, 0.0), ("2b", 9, 1.0), ("S4", 4, 0.0), ("S4", 10, 0.0)}
    chosen = [p for p in shown if (p.panel, p.point.lattice.n_sites, p.settings["Jy"]) in wanted]
    return _repeated(chosen, SEEDS[1:])


def _dynamics(evolutions: list[Listed]) -> Listed:
    return next(p for p in evolutions if p.settings["method"] == "dynamics")


def _smoke() -> tuple[Listed, ...]:
    searches = _searches("smoke")
    few = [p for p in searches if p.settings["layers"] == 1 and p.settings["strings"] in ("0s", "8s")]
    losses = _losses(searches[0], _dynamics(_evolutions("smoke")))
    return (*_repeated(few), *losses, *_sampling(searches[0], ((2, 32),), 500))


def _quick() -> tuple[Listed, ...]:
    """One layer for every string mixture; losses; exact sums except where samples are the question."""
    searches = _searches("quick")
    shallow = [p for p in searches if p.settings["layers"] == 1]
    return (*_repeated(shallow), *_losses(searches[0], _dynamics(_evolutions("quick"))))


def _workstation() -> tuple[Listed, ...]:
    return (*_full("workstation", 3000, SEEDS), *_symmetry(_searches("workstation")[0]))


def _paper() -> tuple[Listed, ...]:
    return (*_full("paper", 12000, MORE_SEEDS), *_like_large(_searches("paper")), *_sizes(), *_collapse(), *_curves())


def _full(profile: str, n_sampling: int, sampling_seeds: tuple[int, ...]) -> tuple[Listed, ...]:
    searches, evolutions = _searches(profile), _evolutions(profile)
    return (
        *_repeated(searches, MORE_SEEDS),
        *_repeated(evolutions),
        *_losses(searches[0], _dynamics(evolutions), MORE_SEEDS),
        *_sampling(searches[0], ((2, 32), (2, 64)), n_sampling, sampling_seeds),
    )
