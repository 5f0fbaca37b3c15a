"""The mode of tracking: online, offline or disabled; and whether wandb has a key."""

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
    """Whether wandb finds a key: in the environment, in netrc or in its settings; neither user nor server is asked."""
    try:
        import wandb

        # in any other mode `login` answers False without looking
        wandb.setup(wandb.Settings(silent=True, mode="online"))
        return wandb.login(verify=False, prompt=False)
    except Exception:  # such as a key of the wrong form, which wandb refuses where it is used
        return bool(os.environ.get("WANDB_API_KEY"))
