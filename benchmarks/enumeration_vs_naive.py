"""One iteration (forward and backward) of enumeration against the naive evaluator, alternating in one run.

The 3x3 dissipative Heisenberg lattice (Jy = 1.8, tetrahedral POVM). `python benchmarks/enumeration_vs_naive.py --help`.
"""

from __future__ import annotations

import statistics
import time
from dataclasses import dataclass, replace

import torch
import tyro

from repro.config.point import Point
from repro.methods import losses
from repro.methods.estimators import Estimator
from repro.methods.training import build_estimator, build_model, seeded_generator


@dataclass
class Settings:
    """What is timed."""

    layers: int = 1
    """Transformer layers"""
    width: int = 32
    """hidden dimension"""
    strings: str = "0s"
    """string mixture"""
    samples: int = 1200
    """draws of the naive evaluator"""
    repeat: int = 3
    """naive iterations; enumeration runs ten for each"""
    threads: int = 1
    """CPU threads"""


def seconds_of_iteration(point: Point, estimator: Estimator, iteration: int) -> float:
    """Wall time of one loss and its gradient."""
    model = build_model(point)
    generator = seeded_generator(torch.device("cpu"), point.seed, 0, 0, iteration)
    started = time.perf_counter()
    loss, _ = losses.variational(estimator.evaluate(model, generator))
    loss.backward()
    return time.perf_counter() - started


def main(settings: Settings) -> None:
    """Time both and print the ratio of the medians."""
    torch.set_num_threads(settings.threads)
    point = Point(layers=settings.layers, width=settings.width, strings=settings.strings)
    naive_point = replace(point, estimator="naive", n_samples=settings.samples)
    enumeration, naive = build_estimator(point), build_estimator(naive_point)
    seconds_of_iteration(point, enumeration, 0)
    times: dict[str, list[float]] = {"enumeration": [], "naive": []}
    for k in range(settings.repeat):
        times["enumeration"] += [seconds_of_iteration(point, enumeration, k) for _ in range(10)]
        times["naive"].append(seconds_of_iteration(naive_point, naive, k))
    for name, values in times.items():
        print(f"{name:12s} median {statistics.median(values):8.4f} s of {len(values)}")
    ratio = statistics.median(times["naive"]) / statistics.median(times["enumeration"])
    print(f"naive at {settings.samples} samples / enumeration: {ratio:.0f}")


if __name__ == "__main__":
    main(tyro.cli(Settings))
