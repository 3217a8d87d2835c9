"""What the process writes to stderr: one line a record, free of secrets, never in the way."""

import json
import logging
import queue
import re
import sys
import threading
from contextlib import suppress
from datetime import UTC, datetime
from typing import Final, TextIO

from tokenhub.text import clean

QUEUE_LINES = 10_000
MAX_MESSAGE_CHARS = 2000
MAX_TRACE_CHARS = 20_000
_STOP_S = 1.0
_LEVELS: Final = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warn": logging.WARNING,
    "error": logging.ERROR,
}
_SECRETS: Final = re.compile(
    r"""
    (?i:\b(?:bearer|basic)\s+)[^\s"',;]+                      # Authorization's schemes
    | (?i:\b(?:authorization|(?:x-)?api[-_]key|x-tokenhub-key|password|cookie)["']?\s*[:=]\s*)
      ["']?(?:(?i:bearer|basic)\s+)?[^\s"',;]+
    | \btokenhub_[0-9A-Za-z]{12,}                             # client keys; a prefix is shorter
    | \b(?:sk|pk|rk|gsk|xai|nvapi|hf|fw|key)[-_][0-9A-Za-z_-]{8,}   # providers' keys
    | \bAIza[0-9A-Za-z_-]{20,}
    | \b[0-9a-fA-F]{64}\b                                     # the admin token
    """,
    re.VERBOSE,
)


def without_secrets(text: str) -> str:
    """Return `text` with whatever looks like a key, token or password replaced."""
    return _SECRETS.sub("[secret]", text)


class LineFormatter(logging.Formatter):
    """Makes of a record one JSON line, or one for people with its traceback indented below."""

    def __init__(self, *, as_json: bool) -> None:
        super().__init__()
        self._as_json = as_json

    def format(self, record: logging.LogRecord) -> str:
        """Return the text of `record`, without secrets and control characters."""
        moment = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        level = record.levelname.lower()
        message = without_secrets(clean(record.getMessage(), MAX_MESSAGE_CHARS))
        trace = self.formatException(record.exc_info) if record.exc_info else ""
        trace = without_secrets(trace[-MAX_TRACE_CHARS:])
        if not self._as_json:
            lines = (clean(line, MAX_MESSAGE_CHARS) for line in trace.splitlines())
            return "\n    ".join((f"{moment} {level:<7} {record.name}: {message}", *lines))
        fields = {"time": moment, "level": level, "logger": record.name, "message": message}
        return json.dumps(fields | ({"trace": trace} if trace else {}))


class ThreadedHandler(logging.Handler):
    """Writes lines in a thread of its own; what a full queue cannot take is lost.

    So a terminal or a pipe that nobody reads holds up nobody but this thread.
    """

    def __init__(self, stream: TextIO) -> None:
        super().__init__()
        self._stream = stream
        self._lines: queue.Queue[str | None] = queue.Queue(QUEUE_LINES)
        self._thread = threading.Thread(target=self._write, name="log", daemon=True)
        self._thread.start()

    def emit(self, record: logging.LogRecord) -> None:
        """Queue the line of `record`."""
        with suppress(queue.Full):
            self._lines.put_nowait(self.format(record))

    def close(self) -> None:
        """Write what is queued, for as long as a second, and end the thread."""
        with suppress(queue.Full):
            self._lines.put(None, timeout=_STOP_S)
            self._thread.join(_STOP_S)
        super().close()

    def _write(self) -> None:
        for line in iter(self._lines.get, None):
            with suppress(OSError, ValueError):
                self._stream.write(line + "\n")
                self._stream.flush()


def configure(level: str, stream: TextIO = sys.stderr) -> ThreadedHandler:
    """Log from `level` (debug, info, warn, error) on to `stream`, until the process ends.

    Lines are for people on a terminal and JSON elsewhere. The access log of the HTTP server is
    off: it would repeat what the request log has, with paths and headers of strangers. The handler
    is returned for whoever wants to end it earlier.
    """
    handler = ThreadedHandler(stream)
    handler.setFormatter(LineFormatter(as_json=not stream.isatty()))
    root = logging.getLogger()
    root.addHandler(handler)
    root.setLevel(_LEVELS[level])
    logging.getLogger("aiohttp.access").disabled = True
    return handler
