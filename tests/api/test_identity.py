import pytest

from tokenhub.api.identity import new_request_id, protocol_of, request_id_from
from tokenhub.types import Protocol


@pytest.mark.parametrize("offered", ["a", "req_1-2.3:4", "x" * 128])
def test_a_clients_own_valid_id_is_kept(offered: str) -> None:
    assert request_id_from(offered) == offered


@pytest.mark.parametrize("offered", [None, "", "x" * 129, "a b", "a\n", "ä", "<b>", "a,b"])
def test_any_other_id_is_replaced_by_a_fresh_one(offered: str | None) -> None:
    fresh = request_id_from(offered)
    assert fresh != offered
    assert request_id_from(fresh) == fresh


def test_fresh_ids_differ() -> None:
    assert len({new_request_id() for _ in range(100)}) == 100


@pytest.mark.parametrize(
    ("path", "protocol"),
    [
        ("/v1/messages", Protocol.ANTHROPIC),
        ("/v1/messages/count_tokens", Protocol.ANTHROPIC),
        ("/v1/chat/completions", Protocol.OPENAI),
        ("/v1/models", Protocol.OPENAI),
        ("/v1/models/a/b", Protocol.OPENAI),
        ("/v1/embeddings", Protocol.OPENAI),
        ("/nowhere", Protocol.OPENAI),
        ("/v1/chat", Protocol.NATIVE),
        ("/admin", Protocol.NATIVE),
        ("/admin/v1/providers", Protocol.NATIVE),
        ("/administrator", Protocol.OPENAI),
        ("/healthz", Protocol.NATIVE),
        ("/metrics", Protocol.NATIVE),
    ],
)
def test_a_path_tells_the_protocol(path: str, protocol: Protocol) -> None:
    assert protocol_of(path, anthropic_version=False) is protocol


def test_the_version_header_makes_a_model_list_anthropics() -> None:
    assert protocol_of("/v1/models", anthropic_version=True) is Protocol.ANTHROPIC
    assert protocol_of("/v1/models/claude", anthropic_version=True) is Protocol.ANTHROPIC
    assert protocol_of("/v1/chat/completions", anthropic_version=True) is Protocol.OPENAI
