"""Stop on request, with nothing lost: after SIGTERM or Ctrl-C every running time step is finished and saved.

The main process handles signals; its workers block them, and look at an event at the end of every epoch.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.synchronize import Event

SIGNALS = (signal.SIGINT, signal.SIGTERM)
_event: Event | None = None


class Stopped(Exception):
    """Stopped on request: what was finished is saved, and the same command goes on."""

    def __init__(self, signum: int = signal.SIGINT) -> None:
        super().__init__(signum)
        self.signum = signum


def watch(event: Event | None) -> None:
    """In a worker: stop after the epoch in which `event` is set."""
    global _event
    _event = event


def watched() -> Event | None:
    """The event that this worker watches; None where nothing can stop it."""
    return _event


def stop_requested() -> bool:
    """Whether this worker is to stop."""
    return _event is not None and _event.is_set()


@contextmanager
def signals_blocked() -> Iterator[None]:
    """Block the signals in processes started within; one that is sent meanwhile is delivered afterwards."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def on_signal(handle: Callable[[int], None]) -> Iterator[None]:
    """Call `handle` on SIGINT and SIGTERM; in a thread that is not the main one nothing changes."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, lambda signum, _: handle(signum)) for number in SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def terminable() -> Iterator[None]:
    """Raise `Stopped` on SIGTERM and Ctrl-C: outside the fits there is nothing to wait for."""

    def stop(signum: int) -> None:
        raise Stopped(signum)

    with on_signal(stop):
        yield
