"""What a provider is sent: the client's own bytes with a few exchanged, or a translation."""

from collections.abc import Sequence
from typing import Final

from tokenhub.dispatch.order import Headers, Order
from tokenhub.dispatch.repair import Repair, edits
from tokenhub.dispatch.target import Target
from tokenhub.text import clean
from tokenhub.types import per_request
from tokenhub.wire.body import add_include_usage, set_model, splice
from tokenhub.wire.translation.aim import Aim

MOST_KEPT: Final = 10
"""So many warnings are stored with an attempt."""
KEPT_CHARS: Final = 100
"""So much of each."""


@per_request
class Letter:
    """A request's body for one target; `warnings` name what it leaves out and may be missed.

    `left_out` are the warnings as they are stored: short, few, and without any word of the
    client's own.
    """

    body: bytes
    warnings: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()

    @property
    def headers(self) -> Headers:
        """What the client is told of the warnings: one header, since many clients read only one."""
        if not self.warnings:
            return []
        return [("X-TokenHub-Warning", clean(f"left out: {'; '.join(self.warnings)}"))]


def letter(order: Order, target: Target, repair: Repair, *, ask_usage: bool) -> Letter:
    """Return what `target` is sent; `ask_usage` asks for the usage of a stream."""
    if target.api is not order.api:
        return _translated(order, target, repair, ask_usage=ask_usage)
    document, name = order.document, target.deployment.upstream_name
    changes = edits(order.api, document, order.knowledge, target, repair)
    if order.facts.model != name:
        changes.append(set_model(document, name))
    if ask_usage:
        changes += add_include_usage(document)
    return Letter(splice(document, changes))


def _translated(order: Order, target: Target, repair: Repair, *, ask_usage: bool) -> Letter:
    aim = Aim(
        model=target.deployment.upstream_name,
        max_output_tokens=target.deployment.max_output_tokens,
        origin=order.knowledge.seen_from(target, repair.refused),
        ask_usage=ask_usage,
        thinks=not (repair.unthinking or repair.unasked),
        measures=not repair.unmeasured,
        shows=not repair.unshown,
    )
    written = order.interpreter.write(target.api, aim)
    return Letter(written.body, tuple(written.warnings), _kept(written.kept))


def _kept(warnings: Sequence[str]) -> tuple[str, ...]:
    """As many of the warnings as are stored, and how many there are more."""
    each = list(dict.fromkeys(warnings))
    kept = [clean(one, KEPT_CHARS) for one in each[:MOST_KEPT]]
    more = len(each) - MOST_KEPT
    return (*kept, f"and {more} more") if more > 0 else tuple(kept)
