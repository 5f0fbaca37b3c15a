"""How runs are tracked, and whether wandb has a key: asked of wandb alone, never of the user or the server."""

from __future__ import annotations

import contextlib
import os
from importlib import util
from typing import Literal, cast

from repro.utils.errors import unknown

Mode = Literal["online", "offline", "disabled"]

_MODES = ("online", "offline", "disabled")
_OLD_MODE_NAMES = {"dryrun": "offline", "run": "online", "shared": "online"}


def resolve_mode(flag: str | None = None) -> Mode:
    """How runs are tracked: `flag`, else WANDB_MODE, else online where wandb finds a key, else offline.

    Without wandb installed the answer to no flag and no WANDB_MODE is "disabled".

    Raises:
        InputError: `flag` or WANDB_MODE is not a mode.
    """
    for kind, given in (("tracking mode", flag), ("WANDB_MODE", os.environ.get("WANDB_MODE"))):
        if given:
            mode = _OLD_MODE_NAMES.get(given, given)
            if mode not in _MODES:
                raise unknown(kind, given, _MODES)
            return cast(Mode, mode)
    return _mode_by_key() if util.find_spec("wandb") else "disabled"


def _mode_by_key() -> Mode:
    with contextlib.suppress(Exception):
        import wandb

        mode = wandb.setup(wandb.Settings(silent=True)).settings.mode
        configured = _OLD_MODE_NAMES.get(mode, mode)
        if configured != "online":
            return cast(Mode, configured)
    return "online" if has_key() else "offline"


def has_key() -> bool:
    """Ask wandb itself (environment, netrc, its settings files), never the user and never the server."""
    try:
        import wandb
        from wandb.sdk.lib import wbauth

        host = wandb.setup(wandb.Settings(silent=True)).settings.base_url
        return bool(wbauth.authenticate_session(host=host, source="repro", prompt=False, update_session=False))
    except Exception:  # wandb's internals, which may move; the environment variable is its promise
        return bool(os.environ.get("WANDB_API_KEY"))
