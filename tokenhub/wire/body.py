"""A client's JSON body: read once, then spliced and never rebuilt.

orjson says what the body means; where its top-level values lie comes from the standard library's
C scanner over the same bytes as Latin-1, in which character offsets are byte offsets.
"""

import codecs
from collections.abc import Generator, Mapping, Sequence
from typing import Any, Final

import orjson

from tokenhub.errors import BadRequest
from tokenhub.text import clean
from tokenhub.types import per_request
from tokenhub.wire.budget import check_structure
from tokenhub.wire.spans import Span, after_space, scan

MAX_BODY_BYTES: Final = 32 * 1024 * 1024
"""A longer body is refused."""

_PAUSE_BYTES: Final = 1024 * 1024
_MOST_MEMBERS: Final = 1_000
"""No API has as many fields; each costs most of a microsecond to find."""
_MOST_NAME_BYTES: Final = 4096
"""With its quotes; a name may cost several times what a value of its length does."""
_TOO_DEEP: Final = "the body is nested too deeply: more than about 1,000 levels"
_NO_NUMBERS: Final = ("-Infinity", "Infinity", "NaN")


@per_request
class Document:
    """A JSON object as it came: `body` is the client's bytes, `value` what they mean.

    `spans` are the byte offsets (start, end) of each top-level value in `body`, by name; `opening`
    is the offset just behind the object's `{`.
    """

    body: bytes
    value: dict[str, Any]
    spans: Mapping[str, Span]
    opening: int

    def raw(self, name: str) -> bytes:
        """The bytes of the top-level value `name`, b"" where there is none."""
        start, end = self.spans.get(name, (0, 0))
        return self.body[start:end]

    def inner(self, name: str) -> "Document":
        """The object that is the top-level value `name`, as a document of its own.

        Raises BadRequest naming `name` when it is no object or has a duplicate key.
        """
        value = self.value[name]
        if not isinstance(value, dict):
            raise BadRequest(f"{name}: expected an object, got {_kind(value)}", param=name)
        body = self.raw(name)
        return _document(body, body.decode("latin-1"), value, name)


@per_request
class Edit:
    """Puts `replacement` in the place of `body[start:end]`."""

    start: int
    end: int
    replacement: bytes


def parse(body: bytes) -> Document:
    """Read `body` in one go; raise BadRequest naming what is wrong with it."""
    steps = parse_steps(body)
    while True:
        try:
            next(steps)
        except StopIteration as done:
            document: Document = done.value
            return document


def parse_steps(body: bytes) -> Generator[None, None, Document]:
    """Read `body`, pausing between steps that take at most some 50 ms each; see `parse`.

    An event loop that reads long bodies drives this itself and lets others run at each pause.
    """
    yield from check_structure(body)
    is_long = len(body) > _PAUSE_BYTES
    if is_long:
        yield from _check_long(body)
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        if is_long:
            yield  # the error has cost as much as the document would have
        raise BadRequest(_complaint(body, error, is_utf8=is_long)) from None
    if not isinstance(value, dict):
        raise BadRequest(f"the body is {_kind(value)}, expected a JSON object")
    if is_long:
        yield
    text = body.decode("latin-1")
    if is_long:
        yield
    document = _document(body, text, value, "the body")
    if is_long:
        yield
    return document


def _check_long(body: bytes) -> Generator[None, None, None]:
    """Find in slices what orjson would find in one go: text that is not UTF-8, or no object."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    blank = True
    for start in range(0, len(body), _PAUSE_BYTES):
        piece = body[start : start + _PAUSE_BYTES]
        if blank and not (blank := piece.isspace()) and piece.lstrip()[:1] != b"{":
            raise BadRequest("the body does not begin with '{', expected a JSON object")
        pending = len(decoder.getstate()[0])
        if pending or not piece.isascii():
            try:
                decoder.decode(piece)
            except UnicodeDecodeError as broken:
                raise BadRequest(_not_utf8(start - pending + broken.start)) from None
        yield
    if blank or body[-_PAUSE_BYTES:].rstrip()[-1:] not in (b"}", b""):
        raise BadRequest("the body is not JSON: it does not end with '}'")


def _document(body: bytes, text: str, value: dict[str, Any], what: str) -> Document:
    """Find where the values of `body` lie; `text` is `body` decoded as Latin-1."""
    opening = text.index("{") + 1
    spans: dict[str, Span] = {}
    try:
        found = _members(body, text, opening)
    except RecursionError:
        raise BadRequest(_TOO_DEEP) from None
    for name, start, end in found:
        if name in spans:
            name = clean(name, 80)
            raise BadRequest(f"duplicate key {name!r} in {what}", param=name)
        spans[name] = (start, end)
    return Document(body, value, spans, opening)


def _members(body: bytes, text: str, position: int) -> list[tuple[str, int, int]]:
    """Name and byte range of each value of the valid JSON object that opens before `position`.

    `text` is `body` decoded as Latin-1.
    """
    found: list[tuple[str, int, int]] = []
    position = after_space(text, position)
    while text[position] != "}":
        name, end = scan(text, position)
        if end - position > _MOST_NAME_BYTES:
            raise BadRequest(f"a field's name is longer than {_MOST_NAME_BYTES} bytes")
        if not name.isascii():
            name = orjson.loads(body[position:end])
        start = after_space(text, after_space(text, end) + 1)
        end = scan(text, start)[1]
        found.append((name, start, end))
        if len(found) > _MOST_MEMBERS:
            raise BadRequest(
                f"expected at most {_MOST_MEMBERS} fields in one object of the request"
            )
        position = after_space(text, end)
        if text[position] == ",":
            position = after_space(text, position + 1)
    return found


def splice(document: Document, edits: Sequence[Edit]) -> bytes:
    """The document's bytes with `edits` made, which must not overlap; all other bytes unchanged.

    Insertions at one place come out in the order given.
    """
    if not edits:
        return document.body
    body, position = document.body, 0
    pieces: list[bytes] = []
    for edit in sorted(edits, key=lambda edit: edit.start):
        pieces += (body[position : edit.start], edit.replacement)
        position = edit.end
    pieces.append(body[position:])
    return b"".join(pieces)


def set_model(document: Document, name: str) -> Edit:
    """Replace the value of `model` by `name`, or put it in as the first member."""
    value = orjson.dumps(name)
    if span := document.spans.get("model"):
        return Edit(*span, value)
    return _first_member(document.opening, b'"model":' + value, alone=not document.value)


def add_include_usage(document: Document) -> list[Edit]:
    """Ask for usage in the stream; no edits when the client did so itself.

    Source: OpenAI API reference, chat completions, `stream_options.include_usage`.
    """
    options = document.value.get("stream_options")
    if not isinstance(options, dict):
        wanted = b'"stream_options":{"include_usage":true}'
        if span := document.spans.get("stream_options"):
            return [Edit(*span, b'{"include_usage":true}')]
        return [_first_member(document.opening, wanted, alone=not document.value)]
    if options.get("include_usage") is True:
        return []
    start, end = document.spans["stream_options"]
    inner = document.body[start:end]
    for name, first, last in reversed(_members(inner, inner.decode("latin-1"), 1)):
        if name == "include_usage":
            return [Edit(start + first, start + last, b"true")]
    return [_first_member(start + 1, b'"include_usage":true', alone=not options)]


def _first_member(position: int, member: bytes, *, alone: bool) -> Edit:
    return Edit(position, position, member if alone else member + b",")


def _complaint(body: bytes, error: orjson.JSONDecodeError, *, is_utf8: bool) -> str:
    """What is wrong with a body that is not JSON, in words that quote none of its content."""
    if not body:
        return "the body is empty, expected a JSON object"
    try:
        if not is_utf8:
            body.decode()
    except UnicodeDecodeError as broken:
        return _not_utf8(broken.start)
    if error.msg.startswith("depth limit"):
        return _TOO_DEEP
    # orjson stops behind the sign of a number.
    rest = (error.doc[error.pos : error.pos + 9], error.doc[max(0, error.pos - 1) :][:9])
    for number in _NO_NUMBERS:
        if any(text.startswith(number) for text in rest):
            return f"the body is not JSON: {number} at line {error.lineno} is not a JSON number"
    return f"the body is not JSON: {error.msg} at line {error.lineno} column {error.colno}"


def _not_utf8(position: int) -> str:
    return f"the body is not UTF-8 at byte {position + 1}"


def _kind(value: object) -> str:
    if value is None:
        return "null"
    if isinstance(value, list):
        return "a list"
    return "text" if isinstance(value, str) else "a number or boolean"
