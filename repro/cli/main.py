"""The `repro` command.

`repro --version` tells the version.
Exit codes: 0 done, 1 some points failed, 2 input that cannot be used, 130 stopped by Ctrl-C, 143 by SIGTERM.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import shlex
import signal
import sys
from collections.abc import Sequence
from typing import Annotated

import tyro

from repro.cli import bench, command, dashboard, environment, listing, rbm, reporting, run, solve, states, status
from repro.cli.argument_checks import check_arguments
from repro.running import stopping
from repro.utils.errors import WHAT_WOULD_FIT, InputError

# Where the terminal cannot show box drawing, tyro draws with hyphens, bars and plus signs.
BOX_DRAWING = re.compile("[\u2500-\u257f]|^[|+]|[|+]$")
RULE = re.compile("[\u2500-]{4}")
# How tyro refuses a value of an option that may be left out: once for None, once for its type.
WRONG_TYPE = re.compile(r"Error parsing (\S+): no type matching \{None\}\|(\S+) could be instantiated from \['(.*?)'\]")
# How it refuses a value of an option with a default.
WRONG_VALUE = re.compile(
    r"Error parsing (\S+): (?:could not convert string to (float)|invalid literal for (int)\(\).*?): '(.*?)'"
)
# How it refuses an option that another command has.
MISPLACED = re.compile(r"misplaced options: (--\S+) \(applied to (repro [\w ]+)\)")
TYPES = {"INT": "a whole number", "FLOAT": "a number", "INT|{exact}": "a whole number or exact"}

Command = (
    Annotated[listing.List, tyro.conf.subcommand("list")]
    | Annotated[run.Run, tyro.conf.subcommand("run")]
    | Annotated[solve.Solve, tyro.conf.subcommand("solve")]
    | Annotated[status.Status, tyro.conf.subcommand("status")]
    | Annotated[states.States, tyro.conf.subcommand("states")]
    | Annotated[dashboard.Dashboard, tyro.conf.subcommand("dashboard")]
    | Annotated[reporting.Reference, tyro.conf.subcommand("reference")]
    | Annotated[reporting.Plot, tyro.conf.subcommand("plot")]
    | Annotated[reporting.Publish, tyro.conf.subcommand("publish")]
    | Annotated[reporting.Claims, tyro.conf.subcommand("claims")]
    | Annotated[reporting.Error, tyro.conf.subcommand("error")]
    | Annotated[reporting.Report, tyro.conf.subcommand("report")]
    | Annotated[reporting.Sync, tyro.conf.subcommand("sync")]
    | Annotated[rbm.Rbm, tyro.conf.subcommand("rbm")]
    | Annotated[bench.Bench, tyro.conf.subcommand("bench")]
)


def parse(arguments: Sequence[str]) -> command.Command:
    """Command line -> command object.

    Raises:
        InputError: arguments that tyro refuses, in one line.
        SystemExit: after --help.
    """
    check_arguments(arguments)
    refused = io.StringIO()
    try:
        with contextlib.redirect_stderr(refused):
            return tyro.cli(Command, prog="repro", description=__doc__, args=list(arguments))
    except SystemExit as stop:
        if not stop.code:
            raise
        raise InputError(_one_line(refused.getvalue())) from None


def _one_line(box: str) -> str:
    """The message of tyro's box, up to its first rule."""
    lines = box.splitlines()[1:]
    while lines and RULE.search(lines[0]):
        lines = lines[1:]
    rule = next((i for i, line in enumerate(lines) if RULE.search(line)), len(lines))
    text = " ".join(" ".join(BOX_DRAWING.sub("", line).strip() for line in lines[:rule]).split())
    if wrong := WRONG_TYPE.match(text):
        return f"{wrong[1]} = {wrong[3]}: expected {TYPES.get(wrong[2], wrong[2])}"
    if wrong := WRONG_VALUE.match(text):
        return f"{wrong[1]} = {wrong[4]}: expected {TYPES[(wrong[2] or wrong[3]).upper()]}"
    if given := MISPLACED.search(text):
        text = f"Unrecognized option of {given[2]}: {given[1]}"
    suggested = [BOX_DRAWING.sub("", line).strip() for line in lines[rule:]]
    hint = _hint(suggested, given[1] if given else "") if "nrecognized" in text else ""
    return f"{text}{hint} (repro --help lists what there is)"


def _hint(suggested: list[str], given: str) -> str:
    """The commands that have an option which this one has not, or the nearest option."""
    homes: dict[str, list[str]] = {}
    for line in suggested:
        if option := re.match(r"--[a-z][\w-]+", line):
            homes.setdefault(option[0], [])
        elif homes and (command := re.match(r"in (repro [\w ]+?) --help", line)):
            homes[next(reversed(homes))].append(command[1])
    if given in homes:
        return f", it is one of {', '.join(dict.fromkeys(homes[given]))}"
    return f"; did you mean {next(iter(homes))}?" if homes else ""


def main(arguments: Sequence[str] | None = None) -> int:
    """Entry point of the `repro` command."""
    arguments = sys.argv[1:] if arguments is None else arguments
    try:
        environment.prepare()
        with stopping.terminable():
            return parse(arguments).run()
    except InputError as error:
        print(f"repro: {error}", file=sys.stderr)
        return 2
    except MemoryError as error:
        advice = "out of memory; fewer --jobs, smaller lattices or a smaller --memory need less"
        print(f"repro: {error if WHAT_WOULD_FIT in str(error) else advice}", file=sys.stderr)
        return 1
    except BrokenPipeError:
        # The reader of our output has closed it (`| head`); Python would complain again when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (stopping.Stopped, KeyboardInterrupt) as stop:
        print(f"repro: stopped; to go on: {shlex.join(['repro', *arguments])}", file=sys.stderr)
        return 128 + (stop.signum if isinstance(stop, stopping.Stopped) else signal.SIGINT)
    except OSError as error:
        print(f"repro: {error.filename or 'system'}: {error.strerror or error}", file=sys.stderr)
        return 1
