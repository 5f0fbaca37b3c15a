"""Shared fixtures: one thread whatever the machine, and an empty folder for exact references."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import torch

# Tests never track, whoever starts them; the tests of tracking set their own mode.
os.environ["WANDB_MODE"] = "disabled"


@pytest.fixture(autouse=True, scope="session")
def _one_thread() -> None:
    # Tests run small tensors: threads cost more than they save, and sums come out the same everywhere.
    torch.set_num_threads(1)


@pytest.fixture
def reference_folder(tmp_path: Path) -> Path:
    """An empty folder for exact references."""
    return tmp_path / "reference"
