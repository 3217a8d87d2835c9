"""A decision in words: what was asked, who went first and why, what was tried, who answered."""

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Final

from tokenhub.ctl.candidates import Candidates, name, tokens, usd
from tokenhub.ctl.output import Item, Output

_NAMED: Final = {
    "named": "the client named it",
    "pinned": "the client named it and its provider",
}
_KINDS: Final = {
    "named": "{model} by name",
    "pinned": "{model}, which names the provider too",
    "choice": "a model of the hub's choice ({model})",
    "unknown": "{model}, which nothing answers to, so it is the hub's choice",
}
_LIMITS: Final = {
    "budget_usd": "at most {value} expected",
    "latency_ms": "at most {value} ms",
    "min_weight": "an ability of {value} or more",
    "room_usd": "{value} left",
}
_ORIGINS: Final = {
    "request": "asked for by the request",
    "hub_default": "the hub's default for its own choices",
    "hub_ceiling": "the hub's ceiling for all requests",
    "budgets": "in the budgets of the key and the hub",
}
_TRANSLATED: Final = ", translated to the "
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
    request, again = decision.get("request"), decision.get("redecided")
    _asked(out, request, decision["mode"])
    out.note("")
    _of_an_earlier_version(out, decision)
    _winner(out, decision, request)
    attempts = decision["attempts"]
    if again is not None:
        _anew(out, again, attempts, request)
    _fate(out, attempts, decision.get("answered_by"), again["after_attempts"] if again else 0)
    _money(out, decision)
    _models(out, decision, request, "COULD TAKE IT")
    if again is not None:
        _models(out, again, request, "CHOSEN AGAIN FROM")
    if attempts:
        out.note("")
        out.rows(attempts, _ATTEMPTS, _attempt)
        for line in _left_out(attempts):
            out.note(line)


def simulated(out: Output, answer: Item) -> None:
    """Print what `POST routing/simulate` answers."""
    eligible, refusal, request = answer["eligible"], answer["refusal"], answer.get("request")
    reason = refusal["code"] if refusal is not None else answer["decision"]["reason"]
    _asked(out, request, answer["mode"])
    out.note("")
    _winner(out, {**answer, "reason": reason}, request)
    if refusal is not None:
        out.note(f"A client would get {refusal['status']} {refusal['code']}: {refusal['message']}")
    elif (estimate := _estimated(eligible[0])) is not None:
        out.note(f"It would cost about {estimate}.")
    _models(out, answer, request, "COULD TAKE IT")


def _asked(out: Output, request: Item | None, mode: str) -> None:
    """Say what was asked for, and within which limits."""
    if request is None:
        out.note(f"Mode: {mode}; what else was asked was not kept")
        return
    what = _KINDS[request["kind"]].format(model=request["model"])
    how = "as a stream" if request["stream"] else "as a whole answer"
    needs = request["capabilities"]
    needed = f", needing {', '.join(needs)}" if needs else ""
    limit = request["max_output_tokens"]
    most = "" if limit is None else f", at most {limit} output tokens"
    out.note(
        f"Asked for: {what}, mode {mode}, {request['api']} API, {how}{needed},"
        f" {request['input_tokens']} input tokens by the hub's own count (how each model counts is"
        f" learned from its answers){most}"
    )
    limits = [_limit(one) for one in request["limits"]]
    if not request["fallback"]:
        limits.append("no other model may stand in")
    if not limits:
        limits = ["none (the hub's defaults are for its own choices)"]
    out.note(f"Limits: {'; '.join(limits)}")


def _limit(one: Item) -> str:
    value = usd(one["value"]) if one["name"].endswith("_usd") else f"{one['value']:g}"
    return f"{_LIMITS[one['name']].format(value=value)} ({_ORIGINS[one['from']]})"


def _of_an_earlier_version(out: Output, decision: Item) -> None:
    """Say that of two choices only the second one was kept, as it used to be."""
    chosen, eligible = decision.get("chosen"), decision["eligible"]
    if chosen and eligible and name(chosen) != name(eligible[0]):
        out.note(f"{name(chosen)} went first. The choice was made again, which is told of here:")


def _winner(out: Output, decision: Item, request: Item | None) -> None:
    """Say who goes first and what speaks for it."""
    eligible = decision["eligible"]
    if not eligible:
        out.note(f"No model could take it ({decision['reason']}){_obstacles(decision)}.")
        _others(out, decision)
        return
    best = eligible[0]
    reason = _plain(decision["reason"])
    why = _NAMED.get(reason, reason)
    if len(eligible) > 1:
        out.note(f"{name(best)} goes first of {len(eligible)} ({why}).")
        _next(out, eligible, request)
    elif decision.get("not_considered") or request is None:
        out.note(f"{name(best)} goes first: {why}.")
    else:
        out.note(f"{name(best)} goes first, the only one that can take it ({why}).")
    _translated(out, best, request)
    _others(out, decision)


def _anew(out: Output, again: Item, attempts: Sequence[Item], request: Item | None) -> None:
    """Tell of the choice that was made again, when nobody of the first one was left."""
    failed = "; ".join(_failures(attempts[: again["after_attempts"]]))
    since = f"{failed}. After that" if failed else "Before anything had come of that"
    chosen = again["chosen"]
    told = f"{since} the choice was made again, with what the model may become"
    if chosen is None:
        out.note(f"{told}: there was nobody else.")
        return
    new = [one for one in again["eligible"] if one["planned"]]
    out.note(f"{told}: {name(chosen)} goes next, as a {_plain(again['reason'])}.")
    if len(new) > 1:
        _next(out, new, request, again["eligible"])
    _translated(out, new[0], request)
    _others(out, again)


def _next(
    out: Output, ranked: Sequence[Item], request: Item | None, among: Sequence[Item] | None = None
) -> None:
    """Say what sets the first of `ranked` apart from the second, by figures `among` all."""
    best, second = ranked[:2]
    gain = second["score"] - best["score"]
    told = Candidates(among or ranked, _stream(request))
    if second.get("rank", 0) > best.get("rank", 0):
        whose = "is one of the others that may stand in, whose turn is later whatever the score"
        if not best["substitution"]:
            whose = "would only stand in for what was asked for, whatever the score"
        out.note(f"Next is {name(second)}, which {whose}.")
    elif request is not None and request["speed_only"]:
        out.note(
            f"None is expected to keep the limit of time, so the fastest goes first, whatever the"
            f" score. Next is {name(second)}."
        )
    elif gain < 0:
        out.note(f"Next is {name(second)}: a better score, but later in the order to try.")
    elif gain == 0:
        out.note(f"Next is {name(second)}, with the same score: {_tie(best, second)}.")
    else:
        out.note(
            f"Next is {name(second)}. The lower score goes first,"
            f" {told.scores(best, second)}; what makes the difference:"
        )
        told.compare(out, best, second)


def _tie(best: Item, second: Item) -> str:
    mine, its = best["terms"][0]["raw"], second["terms"][0]["raw"]
    if mine == its:
        return "the price is the same too, so the name decides (in the order of the alphabet)"
    if mine < its:
        return f"the lower price decides, {usd(mine)} against {usd(its)}"
    return "they differ by less than a millionth"


def _translated(out: Output, one: Item, request: Item | None) -> None:
    if request is not None and one["api"] not in (None, request["api"]):
        out.note(f"Its provider is asked by its {one['api']} API; the hub translates.")


def _stream(request: Item | None) -> bool | None:
    return None if request is None else request["stream"]


def _plain(reason: str) -> str:
    """A reason without the remark that the request is translated, which is none for a choice."""
    return reason.partition(_TRANSLATED)[0]


def _others(out: Output, decision: Item) -> None:
    """Say who was not even looked at."""
    if others := decision.get("not_considered"):
        models = "1 other model was" if others["models"] == 1 else f"{others['models']} others were"
        out.note(f"{models} not looked at: {others['detail']}.")


def _obstacles(decision: Item) -> str:
    """How many were left out for which reason, and what the cheapest of the dear ones costs."""
    rejected = decision["rejected"]
    counts: dict[str, int] = {}
    for one in rejected:
        counts[one["reason"]] = counts.get(one["reason"], 0) + 1
    told = "".join(f", {number} left out for {reason}" for reason, number in counts.items())
    dear = [one for one in rejected if one["reason"] in ("budget", "key_budget")]
    priced = [one for one in dear if one.get("estimated_cost_usd") is not None]
    if priced:
        least = min(priced, key=lambda one: float(one["estimated_cost_usd"]))
        cost = usd(least["estimated_cost_usd"])
        told += f"; the cheapest of those over the limit is {name(least)}, about {cost}"
    return f": {told[2:]}" if told else ""


def _fate(out: Output, attempts: Sequence[Item], answered: Item | None, told_of: int) -> None:
    """Say who answered in the end; the first attempts have been `told_of`."""
    if not attempts:
        out.note("Nothing was sent to a provider.")
        return
    last, earlier = attempts[-1], attempts[:-1]
    hedged = [one for one in earlier if one["error_class"] == "cancelled"]
    failed = "; ".join(_failures(earlier[told_of:]))
    before = f" Before that, {failed}." if failed else ""
    match last["error_class"]:
        case None:
            instead = " instead of the model that was named" if _stands_in(answered) else ""
            place = f"attempt {len(attempts)}" if earlier else "the first attempt"
            out.note(f"{name(last)} answered{instead}, at {place}.{before}")
            for one in hedged:
                out.note(f"{name(one)} worked on it too, and was cancelled then.")
        case "cancelled":
            out.note(f"The client went away while {name(last)} worked.{before}")
        case _:
            out.note(f"No attempt succeeded: {'; '.join(_failures(attempts))}.")


def _stands_in(answered: Item | None) -> bool:
    return answered is not None and answered["substitution"]


def _failures(attempts: Sequence[Item]) -> Iterator[str]:
    """Who failed how many times running, and how."""
    failed = [one for one in attempts if one["error_class"] not in (None, "cancelled")]
    for who, group in groupby(failed, name):
        each = list(group)
        how = dict.fromkeys(
            f"{'no status' if one['status'] is None else one['status']}, {one['error_class']}"
            for one in each
        )
        times = "once" if len(each) == 1 else f"{len(each)} times"
        yield f"{who} failed {times} ({'; '.join(how)})"


def _money(out: Output, decision: Item) -> None:
    """Say what was expected of whom, and what it did cost."""
    first = decision["eligible"][0] if decision["eligible"] else None
    answered, chosen = decision.get("answered_by"), decision["chosen"]
    if chosen is not None:
        estimate = decision["estimated_cost_usd"]
        if first is not None and name(first) == name(chosen):
            told = _estimated(first)
        else:
            told = None if estimate is None else usd(estimate)
        out.note(f"Expected cost of {name(chosen)}: {told or 'unknown, as its price is'}.")
        if answered is not None and name(answered) != name(chosen):
            told = _estimated(answered) or "unknown"
            out.note(f"Expected cost of {name(answered)}: {told}.")
    used = decision.get("usage")
    real = f"Real cost: {usd(decision['cost_usd'])}"
    if used and (used["input_tokens"] or used["output_tokens"]):
        real += f" for {used['input_tokens']} input + {used['output_tokens']} output tokens"
        real += " (counted by the hub)" if used["estimated"] else ""
    out.note(f"{real}{_off(decision['cost_usd'], answered)}.")


def _off(cost: float, answered: Item | None) -> str:
    """By how much the real cost is off what was expected of the one that answered."""
    expected = answered and answered["estimated_cost_usd"]
    if not expected:
        return ""
    return f", {100 * (cost / expected - 1):+.1f} % of what was expected"


def _estimated(one: Item) -> str | None:
    """A probable cost and what it is of, None where no price is known."""
    estimate = one.get("estimate")
    if one["estimated_cost_usd"] is None:
        return None
    told = usd(one["estimated_cost_usd"])
    return f"{told} for {tokens(estimate)}" if estimate else told


def _models(out: Output, decision: Item, request: Item | None, title: str) -> None:
    """Print who could take it with their scores, who could not, and who was not looked at."""
    eligible, rejected = decision["eligible"], decision["rejected"]
    if len(eligible) > 1:
        Candidates(eligible, _stream(request)).table(out, title)
    if rejected:
        out.note("")
        by_price = sorted(rejected, key=lambda one: one.get("estimated_cost_usd") or 0.0)
        out.rows(by_price, _REJECTED, lambda one: {**one, "name": name(one)}, limit=200)


def _left_out(attempts: Sequence[Item]) -> Iterator[str]:
    """What the translation for each attempt left out; alike ones that follow are told once."""
    told = [(name(one), "; ".join(one.get("left_out", ()))) for one in attempts]
    for (who, what), _ in groupby(told):
        if what:
            whom = "it" if len(attempts) == 1 else who
            yield f"left out for {whom}: {what}"


def _attempt(one: Item) -> Item:
    return {
        **one,
        "name": name(one),
        "from": round(one["start_ms"], 1),
        "to": round(one["end_ms"], 1),
        "cost": usd(one["cost_usd"]),
    }
