"""Tests on a GPU: marked `gpu`, skipped where there is none. `make gpu` calls these plain functions itself."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests of this folder."""
    for item in items:
        if item.path.parent == Path(__file__).parent:
            item.add_marker(pytest.mark.gpu)


@pytest.fixture
def device() -> str:
    """The first GPU."""
    if not torch.cuda.is_available():
        pytest.skip("no GPU")
    return "cuda"
