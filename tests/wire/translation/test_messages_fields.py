import pytest
from anthropic.types import message_create_params
from anthropic.types.beta import message_create_params as beta_params

from tokenhub.types import Api
from tokenhub.wire.translation.messages_fields import FEATURES, FIELDS
from tokenhub.wire.translation.rules import Fate


def test_every_parameter_of_the_sdk_is_decided() -> None:
    known = (
        *message_create_params.MessageCreateParamsNonStreaming.__annotations__,
        *message_create_params.MessageCreateParamsBase.__annotations__,
        *beta_params.MessageCreateParamsBase.__annotations__,
    )

    # The SDK sends `betas` as a header.
    assert set(known) - {"betas"} <= set(FIELDS)


@pytest.mark.parametrize("field", FIELDS)
def test_every_field_is_decided_for_both_other_protocols(field: str) -> None:
    assert set(FIELDS[field]) == {Api.CHAT, Api.RESPONSES}
    for rule in FIELDS[field].values():
        assert (rule.fate is Fate.KEPT) == bool(rule.becomes)


def test_what_stands_in_a_request_of_messages_is_decided() -> None:
    assert {"prefill", "citations", "server_tool", "file_id"} <= set(FEATURES)
