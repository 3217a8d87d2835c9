"""The candidates of a decision: their figures as people write them, compared and as a table.

There is one sign: what is added to a score. The lowest score goes first, so minus is good.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

from tokenhub.ctl.output import Item, Output

_MIN_DECIMALS, _MAX_DECIMALS = 3, 6
"""Scores come with six decimals; as many are shown as tell them apart."""

_WORDS: Final = {
    "cost": ("cheaper", "dearer"),
    "latency": ("faster", "slower"),
    "failure": ("more reliable", "less reliable"),
    "weight": ("more capable", "less capable"),
}
_HEADS: Final = {"failure": "FAILURES", "weight": "ABILITY"}
_LEGEND: Final = (
    "SCORE is the sum of what stands in brackets; the lowest goes first. A bracket is 0 for the"
    " lowest figure of its column and 1 for the highest, in proportion between (0 for all where"
    " all are alike), times the number in the heading (the mode's)."
)
_MARKS: Final = {
    "~": "~ is assumed: a model that has not answered yet counts with the usual length of an"
    " answer, and what is not known of it is taken for the median of the others (a price for the"
    " dearest).",
    "!": "! the provider has just failed several times in a row: for so long it counts as failing"
    " at least so often.",
}


def name(one: Item) -> str:
    """Return a deployment's key."""
    return f"{one['provider_id']}/{one['model_id']}"


def usd(value: float) -> str:
    """Return dollars to the last digit: `$0.0012`."""
    whole, _, digits = f"{value:.9f}".partition(".")
    return f"${whole}.{digits.rstrip('0'):0<2}"


def tokens(estimate: Item) -> str:
    """Return of how many tokens a cost is expected, and whence that is known."""
    output = estimate["output_tokens"]
    told = {
        "learned": f"{output} output tokens (the mean of its answers so far)",
        "usual": f"{output} output tokens (assumed, since it has not answered yet)",
        "limit": f"{output} output tokens (no more are allowed)",
    }
    return f"{estimate['input_tokens']} input + {told[estimate['output_from']]}"


class Candidates:
    """The models that could take a request, best first; `stream` None where it is not known."""

    def __init__(self, eligible: Sequence[Item], stream: bool | None) -> None:
        self._eligible = eligible
        self._heads = dict(_HEADS)
        if stream is not None:
            self._heads["latency"] = "FIRST TOKEN" if stream else "ANSWER TIME"
        self._terms = [term["name"] for term in eligible[0]["terms"]]
        columns = [_column(eligible, place) for place in range(len(self._terms))]
        self._figures = list(zip(*columns, strict=True))
        self._decimals = _decimals([one["score"] for one in eligible])

    def compare(self, out: Output, one: Item, other: Item) -> None:
        """Say what sets `one` apart from `other`, term by term."""
        mine, its = self._of(one), self._of(other)
        for place, (term, that) in enumerate(zip(one["terms"], other["terms"], strict=True)):
            more = round(term["contribution"] - that["contribution"], _MAX_DECIMALS)
            if not more:
                continue
            title = term["name"]
            better, worse = _WORDS.get(title, (f"better in {title}", f"worse in {title}"))
            guess = "~" in mine[place] + its[place]
            known = ", as far as is known" if guess else ""
            against = f"{_spelt(mine[place])} against {_spelt(its[place])}"
            side, word = ("for", better) if more < 0 else ("against", worse)
            out.note(f"  {more:+.{self._decimals}f} {side} it: {word}{known}: {against}")

    def scores(self, one: Item, other: Item) -> str:
        """Return both scores, with as many digits as tell them apart."""
        return f"{self._score(one)} against {self._score(other)}"

    def undecided(self) -> list[str]:
        """Return the heads of the terms of which nothing is known of any candidate."""
        terms = zip(*(one["terms"] for one in self._eligible), strict=True)
        return [self._head(each[0]) for each in terms if _unknown(each)]

    def table(self, out: Output, title: str) -> None:
        """Print every candidate with every term of its score, and how to read that."""
        columns = {"name": title, "score": "SCORE"}
        for term in self._eligible[0]["terms"]:
            columns[f"term {term['name']}"] = f"{self._head(term)} x{term['weight']:g}"
        if any(one.get("estimate") for one in self._eligible):
            columns["tokens"] = "TOKENS IN + OUT"
        rows = [self._row(one) for one in self._eligible]
        if any(row["note"] for row in rows):
            columns["note"] = "NOTE"
        out.note("")
        out.rows(rows, columns)
        out.note(_LEGEND)
        for line in self._remarks():
            out.note(line)

    def _remarks(self) -> Iterator[str]:
        seen = [head for head in (self._heads.get("latency"), _HEADS["failure"]) if head]
        yield f"{' and '.join(seen)}: means of its calls of late, recent ones counting most."
        yield f"{_HEADS['weight']}: the weight that the model was given, 0 to 10; more is better."
        if len({one.get("rank", 0) for one in self._eligible}) > 1:
            yield "Whatever the scores, what was named goes before what may stand in for it."
        for head in self.undecided():
            yield f"{head} is not known of any of them, so it decides nothing."
        shown = "".join(figure for row in self._figures for figure in row)
        yield from (told for mark, told in _MARKS.items() if mark in shown)

    def _row(self, one: Item) -> Mapping[str, object]:
        cells = {
            f"term {term['name']}": f"{figure} ({self._share(term)})"
            for term, figure in zip(one["terms"], self._of(one), strict=True)
        }
        estimate = one.get("estimate")
        if estimate:
            mark = "~" if estimate["output_from"] == "usual" else ""
            cells["tokens"] = f"{estimate['input_tokens']} + {mark}{estimate['output_tokens']}"
        return {"name": name(one), "score": self._score(one), **cells, "note": _notes(one)}

    def _of(self, one: Item) -> tuple[str, ...]:
        return self._figures[next(row for row, at in enumerate(self._eligible) if at is one)]

    def _head(self, term: Item) -> str:
        title: str = term["name"]
        return self._heads.get(title, title.upper())

    def _share(self, term: Item) -> str:
        share = round(term["contribution"], self._decimals) or 0.0  # and not -0.0
        return f"{share:+.{self._decimals}f}"

    def _score(self, one: Item) -> str:
        return f"{round(one['score'], self._decimals) or 0.0:.{self._decimals}f}"


def _notes(one: Item) -> list[str]:
    notes = ["substitute"] if one["substitution"] else []
    if one.get("unproven"):
        notes.append("not known whether it can")
    if one.get("tried"):
        return [*notes, "planned before"]
    return notes if one["planned"] else [*notes, "would not be tried"]


def _column(eligible: Sequence[Item], place: int) -> list[str]:
    """One term of all candidates, so that what differs looks different."""
    terms = [one["terms"][place] for one in eligible]
    if _unknown(terms):
        return ["unknown"] * len(terms)
    write = _WRITTEN.get(terms[0]["name"], _plainly)
    marked = []
    for one, term, text in zip(eligible, terms, write([t["raw"] for t in terms]), strict=True):
        estimate = one.get("estimate") if term["name"] == "cost" else None
        guess = term["assumed"] or bool(estimate and estimate["output_from"] == "usual")
        mark = "!" if term.get("raised") else "~" if guess else ""
        marked.append(mark + text)
    return marked


def _unknown(terms: Sequence[Item]) -> bool:
    """Whether nothing is known of any candidate, so that all are taken to be alike."""
    return all(term["assumed"] and not term.get("raised") for term in terms)


def _spelt(figure: str) -> str:
    """A figure as a sentence has it."""
    return f"{figure} (assumed)" if figure.startswith("~") else figure


def _milliseconds(raw: Sequence[float]) -> list[str]:
    return [f"{text} ms" for text in _told_apart(raw, 3)]


def _percent(raw: Sequence[float]) -> list[str]:
    return [f"{text} %" for text in _told_apart([value * 100 for value in raw], 2)]


def _dollars(raw: Sequence[float]) -> list[str]:
    return [usd(value) for value in raw]


def _plainly(raw: Sequence[float]) -> list[str]:
    return [f"{value:g}" for value in raw]


_WRITTEN: Final[dict[str, Callable[[Sequence[float]], list[str]]]] = {
    "cost": _dollars,
    "latency": _milliseconds,
    "failure": _percent,
}


def _told_apart(values: Sequence[float], digits: int) -> list[str]:
    """The values with so many significant digits, or more where two would look alike."""
    texts = [_significant(value, digits) for value in values]
    for more in range(1, _MAX_DECIMALS):
        if len(set(texts)) == len(set(values)):
            break
        texts = [_significant(value, digits + more) for value in values]
    return texts


def _significant(value: float, digits: int) -> str:
    if not value:
        return "0"
    decimals = max(0, digits - 1 - math.floor(math.log10(abs(value))))
    return f"{value:.{decimals}f}"


def _decimals(scores: Sequence[float]) -> int:
    for decimals in range(_MIN_DECIMALS, _MAX_DECIMALS):
        if len({round(score, decimals) for score in scores}) == len(set(scores)):
            return decimals
    return _MAX_DECIMALS
