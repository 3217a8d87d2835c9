import io
import json
import logging
import threading
from collections.abc import Iterator

import pytest

from tokenhub.observe import logging as module
from tokenhub.observe.logging import LineFormatter, ThreadedHandler, configure, without_secrets

logger = logging.getLogger("tokenhub.test")


class Stuck(io.StringIO):
    """A terminal that nobody reads until it is released."""

    def __init__(self) -> None:
        super().__init__()
        self.entered = threading.Event()
        self.released = threading.Event()

    def write(self, text: str) -> int:
        self.entered.set()
        self.released.wait(30)
        return super().write(text)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    root, access = logging.getLogger(), logging.getLogger("aiohttp.access")
    handlers, level, disabled = list(root.handlers), root.level, access.disabled
    yield
    for handler in set(root.handlers) - set(handlers):
        root.removeHandler(handler)
        handler.close()
    root.setLevel(level)
    access.disabled = disabled


def a_record(message: str, *args: object) -> logging.LogRecord:
    return logging.LogRecord("tokenhub.x", logging.WARNING, __file__, 1, message, args, None)


def raised(error: Exception) -> logging.LogRecord:
    record = a_record("it failed")
    try:
        raise error
    except type(error) as caught:
        record.exc_info = (type(caught), caught, caught.__traceback__)
    return record


@pytest.mark.parametrize(
    "secret",
    [
        "tokenhub_" + "0123456789abcdef" * 4,
        "sk-proj-abc_DEF-0123456789",
        "sk-ant-api03-abcdefgh",
        "gsk_abcdefgh12345678",
        "AIzaSyA1234567890abcdefghij",
        "0123456789abcdef" * 4,
    ],
)
def test_what_looks_like_a_key_is_not_logged(secret: str) -> None:
    text = without_secrets(f"the provider said {secret!r} is wrong")
    assert secret not in text
    assert text == "the provider said '[secret]' is wrong"


@pytest.mark.parametrize(
    "text",
    [
        "Authorization: Bearer abcdef",
        "{'authorization': 'Bearer abcdef'}",
        "{'Authorization': 'abcdef'}",
        "Basic abcdef",
        "x-api-key: abcdef",
        'api_key="abcdef"',
        "password=abcdef",
        "Cookie: abcdef",
        "X-TokenHub-Key: abcdef",
    ],
)
def test_values_of_headers_and_fields_that_hold_secrets_are_not_logged(text: str) -> None:
    assert "abcdef" not in without_secrets(text)


@pytest.mark.parametrize(
    "text",
    [
        "the key tokenhub_12345678… has expired",
        "model gpt-4o at openai",
        "risk-free",
    ],
)
def test_other_text_stays_as_it_is(text: str) -> None:
    assert without_secrets(text) == text


def test_json_has_one_object_a_line() -> None:
    line = LineFormatter(as_json=True).format(a_record("%s is down", "openai"))
    fields = json.loads(line)
    assert "\n" not in line
    assert (fields["level"], fields["logger"]) == ("warning", "tokenhub.x")
    assert fields["message"] == "openai is down"
    assert fields["time"].endswith("+00:00")


def test_a_line_for_people_has_no_control_characters() -> None:
    line = LineFormatter(as_json=False).format(a_record("name \x1b[31m\n\u202eevil"))
    assert line.endswith("warning tokenhub.x: name [31m evil")


@pytest.mark.parametrize("as_json", [True, False])
def test_a_traceback_is_kept_without_its_secrets(as_json: bool) -> None:
    line = LineFormatter(as_json=as_json).format(raised(ValueError("sk-secret-0123456789")))
    assert "Traceback" in line
    assert "ValueError: [secret]" in line


def test_a_traceback_for_people_is_indented() -> None:
    lines = LineFormatter(as_json=False).format(raised(ValueError("wrong"))).split("\n")
    assert len(lines) > 2
    assert all(line.startswith("    ") for line in lines[1:])


def test_records_of_the_level_and_above_are_written() -> None:
    stream = io.StringIO()
    handler = configure("warn", stream)
    logger.info("too low")
    logger.warning("high enough")
    handler.close()
    assert [json.loads(line)["message"] for line in stream.getvalue().splitlines()] == [
        "high enough"
    ]


def test_a_terminal_gets_lines_for_people() -> None:
    stream = Terminal()
    handler = configure("debug", stream)
    logger.debug("hello")
    handler.close()
    assert stream.getvalue().endswith("debug   tokenhub.test: hello\n")


def test_the_access_log_is_off() -> None:
    configure("debug", io.StringIO())
    assert not logging.getLogger("aiohttp.access").isEnabledFor(logging.CRITICAL)


def test_a_terminal_that_nobody_reads_holds_up_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "QUEUE_LINES", 2)
    stream = Stuck()
    handler = ThreadedHandler(stream)
    handler.emit(a_record("one"))
    assert stream.entered.wait(30)
    for text in ("two", "three", "four", "five"):
        handler.emit(a_record(text))
    stream.released.set()
    handler.close()
    assert stream.getvalue().split() == ["one", "two", "three"]


def test_closing_waits_only_so_long_for_a_terminal_that_nobody_reads(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "QUEUE_LINES", 1)
    monkeypatch.setattr(module, "_STOP_S", 0.01)
    stream = Stuck()
    handler = ThreadedHandler(stream)
    handler.emit(a_record("one"))
    assert stream.entered.wait(30)
    handler.emit(a_record("two"))
    handler.close()
    assert stream.getvalue() == ""
    stream.released.set()


def test_a_stream_that_is_gone_loses_lines_only() -> None:
    stream = io.StringIO()
    stream.close()
    handler = ThreadedHandler(stream)
    handler.emit(a_record("one"))
    handler.close()
