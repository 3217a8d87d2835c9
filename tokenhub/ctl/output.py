"""What a command prints: a table or a record for people, the hub's JSON for programs."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TextIO, TypeAlias

from tokenhub.text import clean

MAX_CELL_CHARS = 60
MAX_VALUE_CHARS = 1000

Item: TypeAlias = Mapping[str, Any]


def _as_it_is(item: Item) -> Item:
    return item


class Output:
    """Writes answers to `stream`, as JSON if `as_json`."""

    def __init__(self, stream: TextIO, *, as_json: bool) -> None:
        self._stream = stream
        self._as_json = as_json

    def rows(
        self,
        items: Sequence[Item],
        columns: Mapping[str, str],
        view: Callable[[Item], Item] = _as_it_is,
        *,
        limit: int = MAX_CELL_CHARS,
    ) -> None:
        """Print `items` as a table; `columns` maps fields (`health.state` goes inside) to heads.

        `view` makes of an item what people see of it; a cell has `limit` characters at most.
        """
        if self._as_json:
            self._json(list(items))
            return
        items = [view(item) for item in items]
        cells = [[_cell(_field(item, path), limit=limit) for path in columns] for item in items]
        right = [_is_number_column(items, path) for path in columns]
        table = [list(columns.values()), *cells]
        widths = [max(len(row[i]) for row in table) for i in range(len(columns))]
        for row in table:
            padded = (
                cell.rjust(width) if number else cell.ljust(width)
                for cell, width, number in zip(row, widths, right, strict=True)
            )
            self._line("  ".join(padded).rstrip())
        if not items:
            self._line("(none)")

    def record(
        self,
        item: Item,
        labels: Mapping[str, str],
        view: Callable[[Item], Item] = _as_it_is,
    ) -> None:
        """Print the fields of `item` that `labels` names, one a line, as `view` shows them."""
        if self._as_json:
            self._json(item)
            return
        item = view(item)
        width = max(len(label) for label in labels.values())
        for path, label in labels.items():
            self._line(f"{label.ljust(width)}  {_cell(_field(item, path), limit=MAX_VALUE_CHARS)}")

    def done(self, message: str, item: Item | None = None) -> None:
        """Say what was done; programs get `item`, or just that it is done."""
        if self._as_json:
            self._json(item if item is not None else {"ok": True})
        else:
            self._line(clean(message))

    def note(self, text: str) -> None:
        """Say to people what comes next; programs get nothing."""
        if not self._as_json:
            self._line(clean(text))

    def programs(self, item: Item) -> bool:
        """Print `item` whole if a program reads it; tell whether that was so."""
        if self._as_json:
            self._json(item)
        return self._as_json

    def value(self, text: str) -> None:
        """Print one value alone, so that a shell can take it: `$(tokenhubctl admin-token)`."""
        self._line(text)

    def _json(self, value: object) -> None:
        # ASCII only: escapes keep control characters away from the terminal.
        self._line(json.dumps(value, indent=2, ensure_ascii=True))

    def _line(self, text: str) -> None:
        self._stream.write(text + "\n")


def _field(item: Item, path: str) -> Any:
    value: Any = item
    for name in path.split("."):
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def _is_number_column(items: Sequence[Item], path: str) -> bool:
    values = [value for item in items if (value := _field(item, path)) is not None]
    return bool(values) and all(
        isinstance(value, int | float) and not isinstance(value, bool) for value in values
    )


def _cell(value: Any, *, limit: int = MAX_CELL_CHARS) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.12f}".rstrip("0").rstrip(".")
    if isinstance(value, list):
        value = ", ".join(str(part) for part in value) or "-"
    return clean(str(value), limit)
