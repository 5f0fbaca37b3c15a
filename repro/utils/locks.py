"""One process at a time: a lock file that is held by flock, and where the file system has none by a second file.

The system drops a flock with its process. The second file, `<lock>.soft`, says who holds it; one that a killed process
of this machine has left is taken over. Of another machine nothing can be seen: whoever waits for it is told so.
"""

from __future__ import annotations

import contextlib
import errno
import logging
import math
import os
import platform
import time
from collections.abc import Iterator
from pathlib import Path

from repro.utils.errors import InputError

POLL_SECONDS = 0.05
SOFT_SECONDS = 0.2
"""How long a lock is tried that is not waited for: a file left by a killed process goes in the first of two tries."""
NOTICE_SECONDS = 10.0
"""After so long a wait it is said what is waited for."""
CONTAINER = "?pidns-"
"""What follows the name of a machine in a second file where process ids are those of a container."""
MISSING = (errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOTSUP)
CONTENTION = (errno.EACCES, errno.EAGAIN, errno.EWOULDBLOCK)

log = logging.getLogger(__name__)


class HeldError(RuntimeError):
    """Another process holds the lock."""


@contextlib.contextmanager
def locked(path: Path, wait: bool = True) -> Iterator[None]:
    """Hold a lock for as long as the block lasts.

    Args:
        path: the lock file, in a folder that exists; it stays there.
        wait: for another process that holds it.

    Raises:
        InputError: the folder cannot be written, or its file system refuses to lock.
        HeldError: another process holds it, and `wait` is false.
    """
    descriptor = _flock(path, wait)
    if descriptor is None:
        with _soft_lock(_soft(path), wait):
            yield
        return
    try:
        yield
    finally:
        import fcntl

        with contextlib.suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_UN)  # closing alone leaves it to a forked child
        os.close(descriptor)


def held(path: Path) -> bool:
    """Whether a process holds the lock; a shared lock, given back at once, disturbs nobody."""
    try:
        import fcntl

        with path.open("rb") as stream:
            fcntl.flock(stream, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except (ImportError, OSError):
        return _holder_lives(_soft(path))
    return False


def _soft(path: Path) -> Path:
    return path.with_name(f"{path.name}.soft")


def _flock(path: Path, wait: bool) -> int | None:
    """Descriptor of the locked file; None where the system has no flock."""
    try:
        import fcntl
    except ImportError:
        return None
    notice = time.monotonic() + NOTICE_SECONDS
    while True:
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        except OSError as error:
            raise InputError(
                f"cannot write to '{path.parent}': {error.strerror} (its lock file '{path.name}')"
            ) from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.fstat(descriptor).st_nlink:  # not removed between the two
                return descriptor
        except OSError as error:
            os.close(descriptor)
            if error.errno in MISSING:
                return None
            if error.errno not in CONTENTION:
                raise _refused(path, error) from error
            if not wait:
                raise HeldError(f"another process holds '{path}'") from None
            if time.monotonic() > notice:
                log.warning("waiting: another process holds '%s'", path)
                notice = math.inf
        except BaseException:
            os.close(descriptor)
            raise
        else:
            os.close(descriptor)
        time.sleep(POLL_SECONDS)


def _refused(path: Path, error: OSError) -> InputError:
    return InputError(
        f"cannot lock '{path}': {error.strerror or error}; "
        f"expected a file system with locks under '{path.parent}' (--runs names a folder elsewhere)"
    )


@contextlib.contextmanager
def _soft_lock(path: Path, wait: bool) -> Iterator[None]:
    try:
        from filelock import SoftFileLock, Timeout
    except ImportError:
        raise InputError(
            f"cannot lock '{path}': this file system has no flock, and the package filelock is not installed; "
            "expected either (--runs names a folder elsewhere)"
        ) from None

    lock = SoftFileLock(path)
    try:
        try:
            lock.acquire(timeout=NOTICE_SECONDS if wait else SOFT_SECONDS)
        except Timeout:
            if not wait:
                raise HeldError(_who_holds(path)) from None
            log.warning("waiting: %s", _who_holds(path))
            lock.acquire()
    except OSError as error:
        raise _refused(path, error) from error
    try:
        yield
    finally:
        lock.release()


def _who_holds(path: Path) -> str:
    """One line on a second file: the process, its machine, since when, and what to do where that one is gone."""
    pid, host = _holder(path)
    with contextlib.suppress(OSError, ValueError):
        since = time.strftime(" since %Y-%m-%d %H:%M", time.localtime(path.stat().st_mtime))
        if host == platform.node():
            return f"process {pid} on this machine holds '{path}'{since}; if it does not run any more, remove that file"
        who, where = (f"process {pid} on '{host}'", "that machine") if pid else ("an unknown process", "it")
        return f"{who} holds '{path}'{since}; if {where} does not run any more, remove that file"
    return f"another process holds '{path}'"


def _holder(path: Path) -> tuple[int, str]:
    """Process id and machine of who wrote a second file; (0, "") where it does not say."""
    try:
        pid, host = path.read_text(encoding="ascii").split()[:2]
        return int(pid), host.split(CONTAINER)[0]
    except (OSError, ValueError):
        return 0, ""


def _holder_lives(path: Path) -> bool:
    """Whether a second file is held by a process of this machine; of others nothing can be seen."""
    pid, host = _holder(path)
    if pid <= 0 or host != platform.node():
        return False
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        pass
    return True
