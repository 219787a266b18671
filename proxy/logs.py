"""The log: one JSON line each on standard error, ours and the libraries' alike.

``event`` is a sentence for people; everything a machine should group by is a field of its own.
"""

from __future__ import annotations

import contextlib
import json
import logging
import sys
import time
import traceback
import warnings


def log(event: str, *, level: str = "info", **fields: object) -> None:
    """Write one line.  Never raises: a log nobody can read any more must not stop the server."""
    line = {"time": _stamp(time.time()), "level": level, "event": event, **fields}
    text = json.dumps(line, ensure_ascii=False, default=str, separators=(",", ":"))
    # A lone surrogate (a path of undecodable bytes) has no UTF-8; one write per line keeps the lines of several
    # processes on one pipe apart.
    with contextlib.suppress(OSError, ValueError):
        sys.stderr.write(text.encode("utf-8", "backslashreplace").decode("utf-8") + "\n")
        sys.stderr.flush()


def install() -> None:
    """Send what libraries log (from WARNING on) and Python's warnings through ``log``; for the start of a process."""
    root = logging.getLogger()
    root.handlers[:] = [_Lines()]
    root.setLevel(logging.WARNING)
    logging.captureWarnings(True)
    warnings.simplefilter("default")


class _Lines(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        fields: dict[str, object] = {"logger": record.name}
        if record.exc_info and record.exc_info[0] is not None:
            fields["trace"] = "".join(traceback.format_exception(*record.exc_info))
        try:
            event = record.getMessage().strip()
        except (TypeError, ValueError):  # arguments that do not fit the library's own format string
            event = str(record.msg)
        log(event, level=record.levelname.lower(), **fields)


def _stamp(now_s: float) -> str:
    milliseconds = int(now_s * 1000)
    seconds, rest = divmod(milliseconds, 1000)
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + f".{rest:03d}Z"
