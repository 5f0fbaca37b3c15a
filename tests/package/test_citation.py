"""CITATION.cff names the paper and this suite, at the version that the package has."""

from __future__ import annotations

from typing import Any

import yaml

import repro
from tests.helpers.paths import ROOT


def citation() -> dict[str, Any]:
    return yaml.safe_load((ROOT / "CITATION.cff").read_text())


def test_it_is_of_this_suite_and_version() -> None:
    found = citation()
    assert (found["cff-version"], found["type"]) == ("1.2.0", "software")
    assert found["version"] == repro.__version__
    assert all(found[name] for name in ("message", "title", "authors"))
    assert found["license"] in (ROOT / "LICENSE").read_text().split()[0]


def test_it_names_the_paper_as_the_front_page_does() -> None:
    paper = citation()["preferred-citation"]
    readme = " ".join((ROOT / "README.md").read_text().split())
    assert (paper["type"], paper["year"], paper["volume"], paper["start"]) == ("article", 2022, 128, "090501")
    assert paper["title"] in readme and f"https://doi.org/{paper['doi']}" in readme
    for author in paper["authors"]:
        initials = " ".join(f"{name[0]}." for name in author["given-names"].replace(".", "").split())
        assert f"{initials} {author['family-names']}" in readme
    assert [each["value"] for each in paper["identifiers"]] == ["arXiv:2009.05580"]
