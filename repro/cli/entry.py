"""The `repro` command from its very first moment: loading it takes seconds, in which it can be stopped too.

Nothing that needs torch may be imported here.
"""

from __future__ import annotations

import os
import shlex
import signal
import sys


def main() -> int:
    """Load the command and run it; a signal before it is loaded ends the process with one line."""
    if sys.argv[1:] == ["--version"]:
        from repro import __version__

        print(f"repro {__version__}")
        return 0
    before = {number: signal.signal(number, _leave) for number in (signal.SIGINT, signal.SIGTERM)}
    from repro.cli.main import main as command

    for number, handler in before.items():
        signal.signal(number, handler)
    return command()


def _leave(signum: int, _: object) -> None:
    """Nothing has begun: an exception could be lost in what is being imported."""
    again = shlex.join(["repro", *sys.argv[1:]])
    os.write(2, f"repro: stopped; to go on: {again}\n".encode(errors="backslashreplace"))
    os._exit(128 + signum)
