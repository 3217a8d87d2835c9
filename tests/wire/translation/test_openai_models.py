from typing import Any

import pytest

from tokenhub.wire.translation.conversation import Conversation
from tokenhub.wire.translation.openai_models import reasons, write_sampling


@pytest.mark.parametrize(
    ("model", "always"),
    [
        ("gpt-5", True),
        ("gpt-5-mini-2025-08-07", True),
        ("o3", True),
        ("openai/o4-mini", True),
        ("gpt-5-chat-latest", False),
        ("gpt-4o", False),
        ("omni", False),
        ("meta-llama/Llama-3.1-8B-Instruct", False),
    ],
)
def test_models_that_reason_are_known_by_name(model: str, always: bool) -> None:
    assert (reasons(model) is not None) is always


@pytest.mark.parametrize(
    ("model", "temperature", "top_p", "written", "missed"),
    [
        ("gpt-4o", 0.5, 0.9, {"temperature": 0.5, "top_p": 0.9}, 0),
        ("gpt-4o", None, None, {}, 0),
        ("gpt-5", 0.5, 0.9, {}, 2),
        ("gpt-5", 1, 1.0, {}, 0),
        ("o3", None, 0.2, {}, 1),
    ],
)
def test_what_a_model_does_not_take_is_left_out_with_a_warning(
    model: str, temperature: float | None, top_p: float | None, written: Any, missed: int
) -> None:
    body: dict[str, Any] = {}
    conversation = Conversation(temperature=temperature, top_p=top_p)
    assert len(write_sampling(body, conversation, model)) == missed
    assert body == written
