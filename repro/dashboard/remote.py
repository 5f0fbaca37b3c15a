"""The saved view and the report on wandb: made the first time, found and replaced later.

wandb-workspaces writes them through wandb. Every failure becomes one line: no key, no package, a server that refuses,
does not answer or is not there.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
from collections.abc import Iterator
from importlib import util
from typing import TYPE_CHECKING, Any

from repro.running.tracking import PROJECT, check_server
from repro.running.tracking_mode import has_key
from repro.utils.errors import InputError

if TYPE_CHECKING:
    import wandb_workspaces.workspaces as ws

PACKAGE = "wandb_workspaces"
TIMEOUT = 20.0
"""Seconds that a request may take."""
MOST_WORDS = 300
"""Characters of a server's reason that are told."""
RETRIES = 1
"""How often wandb asks again where a server answers with an error; by itself it would go on for minutes."""


def build(entity: str = "", project: str = "") -> Iterator[str]:
    """Save the view and the report; gives a line with the address of each.

    Args:
        entity: who has the project; by default WANDB_ENTITY, else the key's own.
        project: by default WANDB_PROJECT, else that of this suite.

    Raises:
        InputError: no package, no key, no such project, or a server that does not take them.
    """
    if util.find_spec("wandb") is None or util.find_spec(PACKAGE) is None:
        raise InputError("package wandb-workspaces is missing: pip install '.[dashboard]'; or --local")
    if not has_key():
        raise InputError("wandb has no key: set WANDB_API_KEY or run 'wandb login' first; or --local, without one")
    import wandb

    project = project or os.environ.get("WANDB_PROJECT", PROJECT)
    waiting: dict[str, Any] = {"x_graphql_retry_max": RETRIES, "x_graphql_retry_wait_max_seconds": 2.0}
    url = wandb.setup(wandb.Settings(silent=True, **waiting)).settings.base_url
    with _one_line(url):
        check_server(url)
        entity = entity or os.environ.get("WANDB_ENTITY", "") or _api().default_entity or ""
        if project not in [known.name for known in _api().projects(entity)]:
            raise InputError(f"wandb has no project '{project}' of '{entity}': runs make it (repro sync uploads them)")
        yield f"view:   {_save_view(entity, project)}"
        yield f"report: {_save_report(entity, project)}"


def _api() -> Any:
    import wandb

    return wandb.Api(timeout=int(TIMEOUT))


def _save_view(entity: str, project: str) -> str:
    """Save the view under a name of its own, in place of the one that has it; its address."""
    from repro.dashboard import panels

    workspace = panels.view(entity, project)
    workspace._internal_name = view_name(entity, project)
    workspace._internal_id = _view_id(workspace)
    with _quiet():
        workspace.save()
    return workspace.url


def view_name(entity: str, project: str) -> str:
    """wandb's own name of the view: eleven characters that a project always has."""
    return f"nw-{hashlib.sha256(f'{entity}/{project}'.encode()).hexdigest()[:11]}-v"


def _view_id(workspace: ws.Workspace) -> str:
    """The id of the view that is there already; empty where there is none."""
    from wandb_workspaces.workspaces import internal

    short = internal._internal_name_to_url_query_str(workspace._internal_name)
    try:
        return internal.get_view_dict(workspace.entity, workspace.project, short)["id"]
    except ValueError as error:  # the project is there, so it is the view that is not
        if "not found in project" in str(error):
            return ""
        raise


def _save_report(entity: str, project: str) -> str:
    """Save the report in place of the one of its name; its address."""
    from repro.dashboard import panels

    report = panels.report(entity, project)
    there = [known for known in _api().reports(f"{entity}/{project}") if known.display_name == panels.REPORT]
    report.id = there[0].id if there else ""
    with _quiet():
        report.save()
    return report.url


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep what wandb prints about what it saved: the addresses are told once."""
    with contextlib.redirect_stderr(io.StringIO()):
        yield


@contextlib.contextmanager
def _one_line(url: str) -> Iterator[None]:
    """Whatever fails about the server as one line."""
    try:
        yield
    except InputError:
        raise
    except Exception as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise InputError(f"wandb at {url}: {reason[:MOST_WORDS]}") from error
