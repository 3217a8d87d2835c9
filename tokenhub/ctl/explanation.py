"""A decision in words: who won and by what, who else could have, who could not, what was tried."""

from collections.abc import Sequence
from typing import Final

from tokenhub.ctl.output import Item, Output

NOTHING_OF: Final = 0.0005
"""A smaller difference between two scores or terms is none that is worth a word."""

_WORDS: Final = {
    "cost": ("cheaper", "dearer"),
    "latency": ("faster", "slower"),
    "failure": ("more reliable", "less reliable"),
    "weight": ("more capable", "less capable"),
}
_NAMED: Final = {
    "named": "the client named it",
    "pinned": "the client named it and its provider",
}
_REJECTED: Final = {"name": "LEFT OUT", "reason": "REASON", "detail": "WHICH MEANS"}
_ATTEMPTS: Final = {
    "name": "TRIED",
    "endpoint": "ENDPOINT",
    "from": "FROM MS",
    "to": "TO MS",
    "status": "STATUS",
    "error_class": "ERROR",
    "cost": "COST",
}


def decided(out: Output, decision: Item) -> None:
    """Print a decision of `GET decisions/{request_id}`."""
    out.note(f"Request {decision['request_id']} of {decision['timestamp']}")
    eligible = decision["eligible"]
    _winner(out, decision["mode"], decision["reason"], eligible)
    _fate(out, decision["attempts"])
    _money(out, decision)
    _candidates(out, eligible)
    _left_out(out, decision["rejected"])
    if decision["attempts"]:
        out.note("")
        out.rows(decision["attempts"], _ATTEMPTS, _attempt)


def simulated(out: Output, answer: Item) -> None:
    """Print what `POST routing/simulate` answers."""
    eligible = answer["eligible"]
    refusal = answer["refusal"]
    reason = refusal["code"] if refusal is not None else answer["decision"]["reason"]
    _winner(out, answer["mode"], reason, eligible)
    if refusal is not None:
        out.note(f"A client would get {refusal['status']} {refusal['code']}: {refusal['message']}")
    elif (estimate := eligible[0]["estimated_cost_usd"]) is not None:
        out.note(f"It would cost about {_usd(estimate)}.")
    _candidates(out, eligible)
    _left_out(out, answer["rejected"])


def _winner(out: Output, mode: str, reason: str, eligible: Sequence[Item]) -> None:
    """Say who goes first and what speaks for it."""
    if not eligible:
        out.note(f"No model could take it ({reason}).")
        return
    best, others = eligible[0], eligible[1:]
    named = _NAMED.get(reason)
    if others:
        out.note(
            f"{_name(best)} goes first of {len(eligible)}, in mode {mode} ({named or reason})."
        )
        _compare(out, best, others[0])
    elif named:
        out.note(f"{_name(best)} goes first: {named}.")
    else:
        out.note(f"{_name(best)} goes first, the only one that can take it ({reason}).")


def _compare(out: Output, best: Item, second: Item) -> None:
    """Say what sets the winner apart from the next one."""
    gain = second["score"] - best["score"]
    if second["substitution"] and not best["substitution"]:
        out.note(f"Next is {_name(second)}, which would only stand in for what was asked for.")
    elif gain < -NOTHING_OF:
        out.note(f"Next is {_name(second)}: a better score, but later in the order to try.")
    elif gain < NOTHING_OF:
        out.note(f"Next is {_name(second)}, as good: the lower price decides, then the name.")
    else:
        scores = f"{best['score']:.3f} against {second['score']:.3f}"
        out.note(f"Next is {_name(second)}; the lower score wins, {scores}. The first one is")
        for mine, its in zip(best["terms"], second["terms"], strict=True):
            _compare_terms(out, mine, its)


def _compare_terms(out: Output, mine: Item, its: Item) -> None:
    gain = its["contribution"] - mine["contribution"]
    if abs(gain) < NOTHING_OF:
        return
    name = mine["name"]
    better, worse = _WORDS.get(name, (f"better in {name}", f"worse in {name}"))
    which, sign = (better, "+") if gain > 0 else (worse, "-")
    out.note(f"{sign} {which}: {_raw(mine)} against {_raw(its)}, {abs(gain):.3f} of the score")


def _fate(out: Output, attempts: Sequence[Item]) -> None:
    """Say who answered in the end."""
    if not attempts:
        out.note("Nothing was sent to a provider.")
        return
    last, earlier = attempts[-1], attempts[:-1]
    hedged = [one for one in earlier if one["error_class"] == "cancelled"]
    failed = len(earlier) - len(hedged)
    after = f"after {failed} failed attempt{'s' if failed > 1 else ''}"
    after = after if failed else "at the first attempt"
    match last["error_class"]:
        case None:
            out.note(f"{_name(last)} answered, {after}.")
            for one in hedged:
                out.note(f"{_name(one)} worked on it too, and was cancelled then.")
        case "cancelled":
            out.note(f"The client went away while {_name(last)} worked, {after}.")
        case error_class:
            out.note(
                f"No attempt succeeded: {len(attempts)} made, the last ended in {error_class}."
            )


def _money(out: Output, decision: Item) -> None:
    estimate, cost = decision["estimated_cost_usd"], decision["cost_usd"]
    about = "unknown" if estimate is None else _usd(estimate)
    out.note(f"Estimated cost of the first choice: {about}. Real cost: {_usd(cost)}.")


def _candidates(out: Output, eligible: Sequence[Item]) -> None:
    if not eligible:
        return
    terms = [term["name"] for term in eligible[0]["terms"]]
    weights = {term["name"]: term["weight"] for term in eligible[0]["terms"]}
    columns = {"name": "COULD TAKE IT", "score": "SCORE"}
    columns |= {name: f"{name.upper()} x{weights[name]:g}" for name in terms}
    if any(_notes(one) for one in eligible):
        columns["note"] = "NOTE"
    out.note("")
    out.rows(eligible, columns, _candidate)
    out.note("In brackets what each term adds to the score (0 to 1, times its weight); least wins.")
    if any(term["assumed"] for one in eligible for term in one["terms"]):
        out.note("~ is not known yet: a usual value of the others is taken.")


def _candidate(one: Item) -> Item:
    cells = {term["name"]: _cell(term) for term in one["terms"]}
    return {"name": _name(one), "score": f"{one['score']:.3f}", **cells, "note": _notes(one)}


def _notes(one: Item) -> list[str]:
    notes = ["substitute"] if one["substitution"] else []
    return notes if one["planned"] else [*notes, "would not be tried"]


def _left_out(out: Output, rejected: Sequence[Item]) -> None:
    if rejected:
        out.note("")
        out.rows(rejected, _REJECTED, lambda one: {**one, "name": _name(one)})


def _attempt(one: Item) -> Item:
    return {
        **one,
        "name": _name(one),
        "from": round(one["start_ms"]),
        "to": round(one["end_ms"]),
        "cost": _usd(one["cost_usd"]),
    }


def _cell(term: Item) -> str:
    share = round(term["contribution"], 3) or 0.0  # and not -0.0
    return f"{_raw(term)} ({share:+.3f})"


def _raw(term: Item) -> str:
    """The raw value of a term as people write it; `~` marks one that is assumed."""
    raw, mark = term["raw"], "~" if term["assumed"] else ""
    match term["name"]:
        case "cost":
            return mark + _usd(raw)
        case "latency":
            return f"{mark}{raw:.0f} ms"
        case "failure":
            return f"{mark}{raw * 100:.1f} %"
        case _:
            return f"{mark}{raw:g}"


def _usd(value: float) -> str:
    whole, _, digits = f"{value:.9f}".partition(".")
    return f"${whole}.{digits.rstrip('0'):0<2}"


def _name(one: Item) -> str:
    return f"{one['provider_id']}/{one['model_id']}"
