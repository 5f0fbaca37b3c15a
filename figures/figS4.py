"""Figure S4: <sigma_z> at long times and ten times the energy, a panel for each ring beside its exact curve."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
from matplotlib.figure import Figure

from . import figS3, parts


def figures(
    table: pd.DataFrame, reference: pd.DataFrame, profile: str, extra: Mapping[str, pd.DataFrame]
) -> dict[str, Figure]:
    """The drawing, made like Fig. S3."""
    return {"figS4": figS3.draw(parts.with_others(table, extra), profile)}
