"""`repro dashboard`: runs on wandb, or on a page of this machine. Fields are options; docstrings are their help."""

from __future__ import annotations

import os
import sys
import webbrowser
from dataclasses import dataclass
from pathlib import Path

from repro.cli.command import DEFAULT_RUNS
from repro.utils.files import check_folder
from repro.utils.validation import check_int

MOST_PORT = 65535


@dataclass
class Dashboard:
    """Look at runs: on a page of this machine while they go on, or on wandb.

    `repro dashboard --local` shows every run of a folder, without an account or a network, until Ctrl-C: loss,
    residual, means beside exact, distance from exact, progress and failures. Start it beside `make fig4`. Of a machine
    that you reach by ssh: `--port 8300` there, `ssh -L 8300:127.0.0.1:8300 machine` here.

    `repro dashboard` builds a saved view of six panels and a report in the wandb project that the runs went to, and
    updates both when it is run again. It needs a key (`wandb login`) and the package wandb-workspaces.
    """

    local: bool = False
    """the page of this machine"""
    runs: Path = DEFAULT_RUNS
    """with --local: folder of computed points"""
    port: int = 0
    """with --local: the page's port; 0 takes a free one"""
    open: bool = True
    """with --local: show the page in a browser, if there is a display"""
    entity: str = ""
    """on wandb: who has the project; by default WANDB_ENTITY, else the key's own"""
    project: str = ""
    """on wandb: by default WANDB_PROJECT, else repro-povm"""

    def run(self) -> int:
        """Serve the page, or build the view and the report."""
        if self.local:
            return self._serve()
        from repro.dashboard.remote import build

        for line in build(self.entity, self.project):
            print(line)
        return 0

    def _serve(self) -> int:
        from repro.dashboard.server import Dashboard as Server

        check_folder(self.runs)
        check_int("port", self.port, 0, MOST_PORT)
        with Server(self.runs, self.port) as server:
            here = "runs of" if server.feed.answer()["points"] else "no runs yet, shown as soon as they start, in"
            print(f"{here} '{self.runs}': {server.url} (Ctrl-C closes it)", flush=True)
            if self.open and _has_display():
                webbrowser.open(server.url)
            server.serve_forever()
        return 0


def _has_display() -> bool:
    """Whether a browser that is started here is seen by who started it."""
    if sys.platform == "darwin":
        return "SSH_CONNECTION" not in os.environ
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
