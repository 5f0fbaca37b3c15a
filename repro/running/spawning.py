"""Processes that start without the script that started them: it needs no `if __name__ == "__main__"`.

Python's own way runs the main script again in every new process, because what it is sent may be defined there. Points,
settings and `run_point` are the package's own: a second run of a user's script could only start everything once more,
or fail.
"""

from __future__ import annotations

import sys
from multiprocessing.context import SpawnContext, SpawnProcess
from multiprocessing.process import BaseProcess
from types import ModuleType
from typing import Any


class ScriptlessProcess(SpawnProcess):
    """A process that is told of no main script."""

    @staticmethod
    def _Popen(process_obj: BaseProcess) -> Any:
        main = sys.modules["__main__"]
        sys.modules["__main__"] = ModuleType("__main__")
        try:
            return SpawnProcess._Popen(process_obj)
        finally:
            sys.modules["__main__"] = main


class ScriptlessContext(SpawnContext):
    """Makes such processes."""

    Process = ScriptlessProcess
