"""Processes that start without the script that started them: it needs no `if __name__ == "__main__"`.

Python's own way runs the main script again in every new process, because what it is sent may be defined there. Points,
settings and `run_point` are the package's own: a second run of a user's script could only start everything once more,
or fail.
"""

from __future__ import annotations

import importlib
import os
import sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnContext, SpawnProcess
from multiprocessing.process import BaseProcess
from types import ModuleType
from typing import Any

MOST_LETTERS = 500
"""What a process may say at its start: a pipe takes that at once, whole, and from several of them."""


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


class Workers(ProcessPoolExecutor):
    """Such processes that wait for points; what keeps one from its start comes here in one line.

    Args:
        jobs: how many.
        context: makes them.
        home, name: the module and the function that a process starts with. It is imported there: a process that
            cannot even do that can say so.
        arguments: of that function.
    """

    def __init__(self, jobs: int, context: ScriptlessContext, home: str, name: str, *arguments: object) -> None:
        self._heard, told = context.Pipe(duplex=False)
        super().__init__(jobs, mp_context=context, initializer=_start, initargs=(told, home, name, arguments))
        self._error = ""

    @property
    def start_error(self) -> str:
        """What a process raised that could not start; empty where all could."""
        if not self._error and self._heard.poll():
            self._error = self._heard.recv()
        return self._error


def _start(told: Connection, home: str, name: str, arguments: tuple[object, ...]) -> None:
    """Start a process; one that cannot ends without a traceback of its own."""
    try:
        getattr(importlib.import_module(home), name)(*arguments)
    except Exception as error:
        words = " ".join(str(error).split())
        told.send(f"{type(error).__name__}{': ' if words else ''}{words}"[:MOST_LETTERS])
        os._exit(1)
