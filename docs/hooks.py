"""What the site needs beyond Markdown: drawings, notebooks, and formulas as MathML, which browsers draw."""

from __future__ import annotations

import html
import posixpath
import re
from pathlib import Path
from typing import Any

from latex2mathml.converter import convert
from mkdocs.structure.files import File, Files

ROOT = Path(__file__).parents[1]
TAKEN = {"results/figures": "*.png", "notebooks": "*.ipynb"}
"""Folders of the repository, and what of them the site takes."""
FORMULA = re.compile(r'<(span|div) class="arithmatex">\\[(\[](.*?)\\[)\]]</\1>', re.DOTALL)


def on_files(files: Files, config: Any) -> Files:
    """The shipped drawings and the notebooks are part of the site."""
    for folder, pattern in TAKEN.items():
        for path in sorted((ROOT / folder).glob(pattern)):
            files.append(File.generated(config, f"{folder}/{path.name}", abs_src_path=str(path)))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Pages link drawings and notebooks where they lie in the repository; on the site they lie below its root."""
    here = posixpath.dirname(page.file.src_uri)
    to_root = posixpath.relpath(".", here or ".")
    for folder in TAKEN:
        site = posixpath.normpath(posixpath.join(to_root, folder))
        markdown = re.sub(rf"\((?:\.\./)*{folder}/", f"({site}/", markdown)
    return markdown


def on_page_content(page_html: str, **_: Any) -> str:
    """TeX to MathML."""

    def drawn(found: re.Match[str]) -> str:
        display = "block" if found[1] == "div" else "inline"
        return convert(html.unescape(found[2]), display=display)

    return FORMULA.sub(drawn, page_html)
