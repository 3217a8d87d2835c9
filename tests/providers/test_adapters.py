from dataclasses import replace

import pytest

from tokenhub.providers.adapters import auth_headers, build_headers, path, url
from tokenhub.types import Api, CredStore, Provider, ProviderType

OPENAI = Provider("o", ProviderType.OPENAI, ("https://api.openai.com/v1",))
ANTHROPIC = Provider("a", ProviderType.ANTHROPIC, ("https://api.anthropic.com/v1",))
VLLM = Provider("v", ProviderType.VLLM, ("http://localhost:8000/v1",))


@pytest.mark.parametrize(
    ("api", "called"),
    [
        (Api.CHAT, "/v1/chat/completions"),
        (Api.COMPLETIONS, "/v1/completions"),
        (Api.RESPONSES, "/v1/responses"),
        (Api.EMBEDDINGS, "/v1/embeddings"),
        (Api.MESSAGES, "/v1/messages"),
        (Api.COUNT_TOKENS, "/v1/messages/count_tokens"),
    ],
)
def test_each_api_has_its_path_below_the_base_url(api: Api, called: str) -> None:
    assert url(OPENAI, "http://h/v1", api) == f"http://h{called}"
    assert f"/v1{path(api)}" == called


@pytest.mark.parametrize(
    ("provider", "headers"),
    [
        (OPENAI, {"Authorization": "Bearer sk-1"}),
        (ANTHROPIC, {"x-api-key": "sk-1"}),
        (VLLM, {"Authorization": "Bearer sk-1"}),
        (replace(VLLM, auth_header="X-Key"), {"X-Key": "sk-1"}),
        (replace(ANTHROPIC, cred_store=CredStore.CLIENT), {"Authorization": "sk-1"}),
    ],
)
def test_a_key_goes_where_the_family_wants_it(provider: Provider, headers: dict[str, str]) -> None:
    assert auth_headers(provider, "sk-1") == headers
    assert auth_headers(provider, None) == {}


def test_the_clients_headers_pass_but_its_credentials() -> None:
    client = [
        ("Host", "127.0.0.1:8080"),
        ("Authorization", "Bearer tokenhub_1"),
        ("X-Api-Key", "tokenhub_1"),
        ("Content-Type", "application/json"),
        ("Accept-Encoding", "gzip"),
        ("anthropic-beta", "one"),
        ("anthropic-beta", "two"),
        ("x-stainless-lang", "python"),
    ]
    assert build_headers(OPENAI, Api.CHAT, client, "sk-1") == [
        ("Content-Type", "application/json"),
        ("anthropic-beta", "one"),
        ("anthropic-beta", "two"),
        ("x-stainless-lang", "python"),
        ("Authorization", "Bearer sk-1"),
        ("Accept-Encoding", "identity"),
    ]


def test_a_header_of_the_row_replaces_the_clients() -> None:
    provider = replace(OPENAI, headers={"OpenAI-Organization": "mine"}, auth_header="api-key")
    client = [("openai-organization", "theirs"), ("API-Key", "theirs")]
    assert build_headers(provider, Api.CHAT, client, "sk-1") == [
        ("OpenAI-Organization", "mine"),
        ("api-key", "sk-1"),
        ("Accept-Encoding", "identity"),
    ]


def test_an_anthropic_api_gets_a_version_unless_there_is_one() -> None:
    version = ("anthropic-version", "2023-06-01")
    given = ("Anthropic-Version", "2024-01-01")
    own = replace(ANTHROPIC, headers={"anthropic-version": "2025-01-01"})

    assert version in build_headers(ANTHROPIC, Api.MESSAGES, [], None)
    assert version in build_headers(OPENAI, Api.COUNT_TOKENS, [], None)
    assert version not in build_headers(OPENAI, Api.CHAT, [], None)
    assert build_headers(ANTHROPIC, Api.MESSAGES, [given], None)[0] == given
    assert version not in build_headers(ANTHROPIC, Api.MESSAGES, [given], None)
    assert build_headers(own, Api.MESSAGES, [given], None)[0] == ("anthropic-version", "2025-01-01")
