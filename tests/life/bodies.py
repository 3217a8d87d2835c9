"""Bad request bodies: what broken and hostile clients send to an endpoint that wants JSON."""

import functools
import gzip
from collections.abc import Mapping
from dataclasses import dataclass, field

MIB = 1024 * 1024
JSON = "application/json"


@dataclass(frozen=True)
class Body:
    """What is sent, and what the answer must be: one of `statuses`, with one of `words` in it.

    `chunked` sends it without a Content-Length.
    """

    name: str
    content: bytes = field(repr=False)
    words: tuple[str, ...]
    statuses: tuple[int, ...] = (400,)
    headers: Mapping[str, str] = field(default_factory=lambda: {"Content-Type": JSON})
    chunked: bool = False

    def __str__(self) -> str:
        return self.name


def small() -> list[Body]:
    """Bodies that are wrong at first sight, whatever the endpoint wants."""
    good = b'{"model":"gpt-4o","messages":[{"role":"user","content":"hi"}]}'
    typed = {"Content-Type": JSON}
    return [
        Body("empty", b"", ("empty",)),
        Body("not JSON", b"model=gpt-4o", ("not JSON",)),
        Body("truncated", good[:-9], ("not JSON",)),
        Body("two documents", good + good, ("not JSON",)),
        Body("null", b"null", ("null",)),
        Body("a list", b"[" + good + b"]", ("a list",)),
        Body("text", b'"hello"', ("text",)),
        Body("a number", b"42", ("a number",)),
        Body("NaN", b'{"model":NaN}', ("NaN",)),
        Body("infinity", b'{"max_tokens":-Infinity}', ("Infinity",)),
        Body("a huge number", b'{"max_tokens":1' + b"0" * 5000 + b"}", ("not JSON", "max_tokens")),
        Body("a huge exponent", b'{"max_tokens":1e999999}', ("not JSON", "max_tokens")),
        Body("invalid UTF-8", b'{"model":"\xff\xfe"}', ("UTF-8 at byte 11",)),
        Body("UTF-16", good.decode().encode("utf-16"), ("UTF-8",)),
        Body("half a surrogate pair", b'{"model":"\\ud800"}', ("not JSON",)),
        Body("duplicate key", b'{"model":"a","model":"b"}', ("duplicate key 'model'",)),
        Body("a million brackets", b"[" * MIB, ("nested", "too many values", "not JSON")),
        Body("deep lists", b'{"a":' + b"[" * 5000 + b"]" * 5000 + b"}", ("nested",)),
        Body("deep objects", b'{"a":' * 5000 + b"1" + b"}" * 5000, ("nested",)),
        Body(
            "another content type", good, ("Content-Type",), (415,), {"Content-Type": "text/plain"}
        ),
        Body("a form", good, ("Content-Type",), (415,), {"Content-Type": "multipart/form-data"}),
        Body("no content type", good, ("Content-Type",), (415,), {}),
        Body(
            "a gzip bomb",
            gzip.compress(b" " * (8 * MIB)),
            ("Content-Encoding",),
            (415,),
            typed | {"Content-Encoding": "gzip"},
        ),
        Body("compressed, not said", gzip.compress(good), ("UTF-8", "not JSON")),
    ]


@functools.cache
def large() -> list[Body]:
    """Bodies that would be dear to take in; the admin API refuses them by their size already."""
    size = 31 * MIB
    filled = {
        "objects": b"{},",
        "numbers": b"1,",
        "lists": b"[],",
        "texts": b'"",',
        "pairs": b'{"a":1},',
        "escapes": b'"\\"\\\\",',
    }
    broken = {
        "backslashes": b'{"model":"' + b"\\" * size,
        "quotes": b'"' * size,
        "spaces": b" " * size,
        "bad UTF-8": b'{"model":"' + b"\xc3\xa4" * (size // 2) + b'\xff"}',
    }
    start = b'{"model":"gpt-4o","messages":['
    many = ("too many values", "larger than")
    wrong = ("not JSON", "begin with", "UTF-8 at byte", "larger than")
    spaces = b" " * (33 * MIB)
    return [
        Body("33 MiB", spaces, ("larger than",), (413,)),
        Body("33 MiB in chunks", spaces, ("larger than",), (413,), chunked=True),
        *(
            Body(f"millions of {name}", start + piece * (size // len(piece)), many, (400, 413))
            for name, piece in filled.items()
        ),
        *(
            Body(f"31 MiB of {name}", content, wrong, (400, 413))
            for name, content in broken.items()
        ),
    ]
