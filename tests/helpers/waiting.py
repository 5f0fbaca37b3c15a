"""Waiting for what another process does, and signals to this one when it has."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from threading import Thread


def wait_for(condition: Callable[[], object], seconds: float = 120) -> None:
    """Until the condition holds; fails after a time."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def send_when(condition: Callable[[], object], *signals: signal.Signals, seconds: float = 90) -> Thread:
    """This process gets the signals, half a second apart, once the condition holds."""

    def send() -> None:
        deadline = time.monotonic() + seconds
        while not condition() and time.monotonic() < deadline:
            time.sleep(0.02)
        for number in signals:
            os.kill(os.getpid(), number)
            time.sleep(0.5)

    thread = Thread(target=send, daemon=True)
    thread.start()
    return thread
