"""`/v1/models` in the shapes of OpenAI and of Anthropic."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import orjson

from tokenhub.errors import BadRequest

DEFAULT_LIMIT: Final = 20
MAX_LIMIT: Final = 1000


@dataclass(frozen=True, slots=True)
class ModelEntry:
    """A model name as clients see it; `owner` is its provider's id."""

    id: str
    owner: str
    created_ms: int = 0
    max_input_tokens: int | None = None
    max_output_tokens: int | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """Which part of Anthropic's list is asked for; the cursors are model ids."""

    limit: int = DEFAULT_LIMIT
    after_id: str | None = None
    before_id: str | None = None


def read_page(limit: str | None, after_id: str | None, before_id: str | None) -> Page:
    """The page that the query parameters ask for; raises BadRequest for a `limit` not 1-1000."""
    if limit is None:
        return Page(DEFAULT_LIMIT, after_id, before_id)
    number = int(limit) if limit.isascii() and limit.isdigit() and len(limit) <= 4 else 0
    if not 1 <= number <= MAX_LIMIT:
        raise BadRequest(f"limit: expected an integer from 1 to {MAX_LIMIT}", param="limit")
    return Page(number, after_id, before_id)


def openai_list(entries: Sequence[ModelEntry]) -> bytes:
    """The list of all models. Source: OpenAI API reference, "List models"."""
    return orjson.dumps({"object": "list", "data": [_openai(entry) for entry in entries]})


def openai_item(entry: ModelEntry) -> bytes:
    """One model. Source: OpenAI API reference, "Retrieve model"."""
    return orjson.dumps(_openai(entry))


def anthropic_list(entries: Sequence[ModelEntry], page: Page) -> bytes:
    """One page of the models. Source: Anthropic API reference, "List models".

    A cursor that names no model is taken for an end of the list, so that a model which went away
    between two pages breaks no client.
    """
    ids = [entry.id for entry in entries]
    if page.before_id is not None:
        end = ids.index(page.before_id) if page.before_id in ids else len(ids)
        start = max(0, end - page.limit)
        more = start > 0
    else:
        start = ids.index(page.after_id) + 1 if page.after_id in ids else 0
        end = min(len(ids), start + page.limit)
        more = end < len(ids)
    found = entries[start:end]
    return orjson.dumps(
        {
            "data": [_anthropic(entry) for entry in found],
            "first_id": found[0].id if found else None,
            "has_more": more,
            "last_id": found[-1].id if found else None,
        }
    )


def anthropic_item(entry: ModelEntry) -> bytes:
    """One model. Source: Anthropic API reference, "Get a model"."""
    return orjson.dumps(_anthropic(entry))


def _openai(entry: ModelEntry) -> dict[str, Any]:
    return {
        "id": entry.id,
        "object": "model",
        "created": entry.created_ms // 1000,
        "owned_by": entry.owner,
    }


def _anthropic(entry: ModelEntry) -> dict[str, Any]:
    created = datetime.fromtimestamp(entry.created_ms // 1000, UTC)
    return {
        "type": "model",
        "id": entry.id,
        "display_name": entry.id,
        "created_at": created.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "lifecycle": "active",
        "max_input_tokens": entry.max_input_tokens,
        "max_tokens": entry.max_output_tokens,
    }
