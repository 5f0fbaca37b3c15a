"""The report: one self-contained HTML page, made by Jinja2 from the shipped files alone."""

from __future__ import annotations

import html
from collections import Counter
from pathlib import Path
from typing import Any

from repro.claims.effect import VERDICTS
from repro.claims.ledger import COLUMNS
from repro.reporting import report_data
from repro.utils.csv_rows import whole_rows
from repro.utils.errors import InputError
from repro.utils.files import write_atomic
from repro.utils.formatting import duration
from repro.utils.provenance import commit


def build_report(results: Path, out: Path) -> Path:
    """Write the report of a results folder to a file.

    Args:
        results: tables, drawings, ledger and references, as `make publish` and `repro claims` write them.
        out: the HTML file.

    Raises:
        InputError: no table in the folder, a damaged one, or a file that cannot be written.
    """
    if not list(results.glob("*.csv")):
        raise InputError(f"report: no tables in '{results}'")
    return write_atomic(out, _template().render(**_context(results)))


def overview_markdown(results: Path) -> str:
    """The table of docs/gallery.md: figure, profile, points that are physical, largest deviation of those from exact,
    wall time, device, whose settings."""
    head = ("figure", "profile", "physical", "largest deviation from exact", "wall time", "device", "settings")
    lines = [f"| {' | '.join(head)} |", "|---" * len(head) + "|"]
    for row in report_data.overview(results).to_dict("records"):
        worst = row["largest deviation"]
        off = f"{worst:.3f} ({row['of']})" if worst == worst else "no exact values"
        cells = [row["figure"], row["profile"], row["physical"], off, duration(row["seconds"]), row["device"]]
        cells.append(row["settings"])
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _context(results: Path) -> dict[str, Any]:
    ledger = read_ledger(results / "claims.csv")
    return {
        "figures": report_data.gather(results),
        "columns": report_data.DEVIATIONS,
        "overview": report_data.overview(results).to_dict("records"),
        "claims": ledger,
        "counts": _counts(ledger),
        "references": report_data.references(results),
        "versions": report_data.versions(),
        "commit": commit(),
    }


def _counts(ledger: list[dict[str, str]]) -> list[tuple[str, int]]:
    """Of every verdict that occurs."""
    count = Counter(claim["verdict"] for claim in ledger)
    return [(verdict, count[verdict]) for verdict in VERDICTS if count[verdict]]


def read_ledger(path: Path) -> list[dict[str, str]]:
    """Rows of the ledger of claims by column, none where there is no file.

    Raises:
        InputError: a file that is no ledger.
    """
    if not path.exists():
        return []
    try:
        header, rows = whole_rows(path, path.read_bytes())
    except (OSError, InputError) as error:
        raise InputError(f"cannot read the ledger '{path}': {str(error).splitlines()[0]}") from error
    if not header:
        raise InputError(f"cannot read the ledger '{path}': it is empty (write it anew: repro claims)")
    if missing := [name for name in COLUMNS if name not in header]:
        raise InputError(f"{path}: column '{missing[0]}' is missing (write it anew: repro claims)")
    return [dict(zip(header, row, strict=True)) for row in rows]


def _template() -> Any:
    import jinja2
    import markupsafe

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("repro.reporting"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters["duration"] = duration
    # quotation marks are escaped for attributes; in every point's settings that would be a tenth of the page
    environment.filters["between_tags"] = lambda text: markupsafe.Markup(html.escape(text, quote=False))
    return environment.get_template("report.html.j2")
