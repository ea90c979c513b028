"""The log of a campaign: one event per line of JSON, on the disk before anyone acts on it.

An event counts once its line is complete. The file is only ever appended to; a sidecar ``<path>.lock`` holds a lock of
the operating system, which dies with its process, so that two processes never write to one log.
"""

import json
import os
import threading
import weakref

from uq._base.exceptions import InputError, LogError

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

__all__ = ["EventLog", "check_storage"]

# locks of fcntl are the process's, so that this process must tell its own logs apart
_mine: set[tuple[int, str]] = set()
_guard = threading.Lock()


def check_storage(storage, owner, name="storage"):
    """Return the path of the log, or None."""
    if storage is None:
        return None
    try:
        path = os.fspath(storage)
    except TypeError:
        path = b""
    if not isinstance(path, str) or not path or "\0" in path or path.encode("utf-8", "replace").decode() != path:
        said = "None or the path" if name == "storage" else "the path"
        raise InputError(f"{owner}: {name} must be {said} of a file, such as 'run.jsonl'; got {storage!r}.")
    return path


class EventLog:
    """A file of events that this process alone may append to.

    Parameters
    ----------
    path : str
    new : bool
        Whether the file must not hold events yet, or must.

    Attributes
    ----------
    events : list of dict
        What stood in the file.
    repaired : int
        Bytes of a torn last line that were cut off.
    """

    def __init__(self, path, *, new):
        self.path = os.path.realpath(path)
        self._pid = os.getpid()
        self._lock = _take_lock(self.path)
        try:
            self._file = _open(self.path, new=new)
            self._close = weakref.finalize(self, _release, self.path, self._lock, self._file, self._pid)
        except BaseException:
            _release(self.path, self._lock, None, self._pid)
            raise
        try:
            self.events, self.repaired = self._read()
            if new and self.events:
                raise LogError(
                    f"log {self.path!r} already holds a campaign. Go on with it by BayesianOptimizer.resume(path), or "
                    "choose another file."
                )
            if not new and not self.events:
                raise LogError(f"log {self.path!r} holds no campaign; give the path of a log, or begin a new one.")
        except BaseException:
            self.close()
            raise

    def _read(self):
        with open(self.path, "rb") as file:
            content = file.read()
        lines = content.split(b"\n")
        torn = lines.pop()
        events = [_parse(line) for line in lines]
        if events and events[-1] is None and not torn:  # a power cut may leave blocks that were never written
            torn = lines[-1] + b"\n"
            events.pop()
        if None in events:
            raise LogError(
                f"log {self.path!r} is damaged: line {events.index(None) + 1} is not an event. Restore the file from a "
                "copy, or cut it off before that line."
            )
        if torn:
            os.ftruncate(self._file, len(content) - len(torn))
            os.fsync(self._file)
        return events, len(torn)

    def append(self, event):
        """Write one event; it is on the disk when this returns. Raise LogError with nothing written otherwise."""
        if self._pid != os.getpid():
            raise LogError(f"log {self.path!r} belongs to another process; tell the results in the one that asked.")
        if not self._close.alive:
            raise LogError(f"log {self.path!r} was closed; go on by BayesianOptimizer.resume(path).")
        if not self._is_in_place():
            raise LogError(
                f"log {self.path!r} was removed or replaced while in use; nothing was changed. Put the file back, and "
                "go on by BayesianOptimizer.resume(path)."
            )
        line = json.dumps(event, allow_nan=False, separators=(",", ":")).encode() + b"\n"
        size = os.fstat(self._file).st_size
        try:
            written = os.write(self._file, line)
            if written != len(line):
                raise OSError("no room on the disk")
            os.fsync(self._file)
        except OSError as error:
            os.ftruncate(self._file, size)
            raise LogError(f"log {self.path!r} cannot be written ({error}); nothing was changed.") from error

    def _is_in_place(self):
        try:
            return os.path.samestat(os.stat(self.path), os.fstat(self._file))
        except OSError:
            return False

    def close(self):
        """Give the file back, for another process."""
        self._close()


def _parse(line):
    try:
        event = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return event if isinstance(event, dict) else None


def _open(path, *, new):
    flags = os.O_RDWR | os.O_APPEND | getattr(os, "O_BINARY", 0) | (os.O_CREAT if new else 0)
    try:
        file = os.open(path, flags, 0o666)
    except OSError as error:
        remedy = "Make its folder, or choose another place." if new else "Give the path of a log."
        raise LogError(f"log {path!r} cannot be opened ({error.strerror}). {remedy}") from error
    if new and hasattr(os, "O_DIRECTORY"):  # the name must survive a power cut, too
        folder = os.open(os.path.dirname(path), os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    return file


def _take_lock(path):
    in_use = LogError(
        f"log {path!r} is in use by another process or optimizer. Close that one (`close()`, or end its process); a "
        "campaign has one optimizer, which may ask for many trials at a time."
    )
    key = (os.getpid(), path)
    with _guard:
        if key in _mine:
            raise in_use
        try:
            lock = os.open(path + ".lock", os.O_RDWR | os.O_CREAT, 0o666)
        except OSError as error:
            raise LogError(
                f"log {path!r} cannot be locked ({error.strerror}). Its folder must exist and be writable."
            ) from error
        try:
            _lock_file(lock)
        except OSError:
            os.close(lock)
            raise in_use from None
        _mine.add(key)
    return lock


def _lock_file(lock):
    if fcntl is not None:
        # of the process, not of the descriptor: workers that were forked do not inherit it
        fcntl.lockf(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    else:
        import msvcrt

        msvcrt.locking(lock, msvcrt.LK_NBLCK, 1)


def _release(path, lock, file, pid):
    with _guard:
        _mine.discard((pid, path))
    for descriptor in (file, lock):
        if descriptor is not None:
            os.close(descriptor)
