"""Every block of code on the pages: Python and bash run, commands that would take hours are parsed.

```python                runs, in the page's own namespace and a folder of its own
```python title="x.py"   is written there as that file
```bash                  runs there
```console               every `repro` command is one, every `make` target is there, every file it names too
```text                  what something printed
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

from repro.cli.main import main, parse
from tests.helpers.paths import ROOT

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
LANGUAGES = ("python", "bash", "console", "text")
TARGET = re.compile(r"^([\w-]+(?: [\w-]+)*):", re.MULTILINE)


@dataclass(frozen=True)
class Block:
    """A fenced block: where it begins, its language, the file that it stands for, what is in it."""

    page: Path
    line: int
    language: str
    title: str
    content: str


def blocks(page: Path) -> list[Block]:
    """The fenced blocks of a page, those in lists and admonitions included."""
    found = []
    for token in MarkdownIt("commonmark").parse(page.read_text()):
        if token.type == "fence" and token.map:
            language, _, rest = token.info.partition(" ")
            title = re.search(r'title="(.*?)"', rest)
            found.append(Block(page, token.map[0] + 1, language, title[1] if title else "", token.content))
    return found


def commands(block: Block) -> list[list[str]]:
    """The words of every command of a block, comments and what follows a pipe left out."""
    text = block.content.replace("\\\n", " ")
    lines = [line for part in text.splitlines() for line in part.split("&&")]
    return [words for line in lines if (words := shlex.split(line, comments=True))]


def make_targets() -> set[str]:
    text = (ROOT / "Makefile").read_text()
    figures = re.search(r"^FIGURES := (.*)", text, re.MULTILINE)
    assert figures
    return {name for found in TARGET.finditer(text) for name in found[1].split()} | set(figures[1].split())


ALL = [block for page in PAGES for block in blocks(page)]
RUNNING = [page for page in PAGES if any(block.language in ("python", "bash") for block in blocks(page))]


def name(page: Path) -> str:
    return str(page.relative_to(ROOT))


def test_there_is_something_to_run() -> None:
    assert len(ALL) > 20
    assert len(RUNNING) >= 3


@pytest.mark.parametrize("block", ALL, ids=lambda block: f"{name(block.page)}:{block.line}")
def test_every_block_says_what_it_is(block: Block) -> None:
    assert block.language in LANGUAGES
    if block.language == "text":
        assert not re.search(r"^(\$ )?(repro|make|pip|git) ", block.content, re.MULTILINE)


CONSOLE = [block for block in ALL if block.language == "console"]


@pytest.mark.parametrize("block", CONSOLE, ids=lambda block: f"{name(block.page)}:{block.line}")
def test_commands_that_are_not_run_are_commands(block: Block) -> None:
    for words in commands(block):
        if words[0] == "make":
            assert {word for word in words[1:] if "=" not in word} <= make_targets(), words
        elif words[0] == "repro" and words[-1] == "--help":
            with pytest.raises(SystemExit) as stop:
                parse(words[1:])
            assert stop.value.code == 0
        elif words[0] == "repro":
            parse([word.replace("FIGURE", "fig4") for word in words[1:]])
        elif words[0] == "python":
            assert (ROOT / words[1]).is_file(), words
        else:
            assert words[0] in ("git", "cd", "source", "pip", "uv", "docker"), words


def run_commands(block: Block, folder: Path) -> None:
    """Run a bash block: `repro` in this process, which spares its start; anything else in bash."""
    where = f"{name(block.page)}:{block.line}"
    if {words[0] for words in commands(block)} == {"repro"} and "|" not in block.content:
        for words in commands(block):
            try:
                code = main(words[1:])
            except SystemExit as stop:  # after --help
                code = stop.code
            assert code == 0, where
        return
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(["bash", "-ec", block.content], cwd=folder, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, f"{where}: {done.stderr[-2000:]}"


@pytest.mark.parametrize("page", RUNNING, ids=name)
def test_a_page_runs_from_top_to_bottom(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MPLBACKEND", "agg")
    namespace: dict[str, object] = {"__name__": "page"}
    for block in blocks(page):
        if block.title:
            (tmp_path / block.title).write_text(block.content)
        elif block.language == "python":
            exec(compile("\n" * block.line + block.content, str(page), "exec"), namespace)
        elif block.language == "bash":
            run_commands(block, tmp_path)


def test_the_site_builds_without_a_warning(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(tmp_path)]
    environment = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")
    theory = (tmp_path / "theory.html").read_text()
    assert theory.count("<math") > 20
    assert "\\(" not in theory
    assert "energy per spin" in (tmp_path / "examples" / "quench.html").read_text()
    assert len(list((tmp_path / "results" / "figures").iterdir())) > 10
