import json
from typing import Any

import pytest

from tokenhub.errors import BadRequest
from tokenhub.providers.fields import is_model_id
from tokenhub.providers.spec import ModelSpec, ProviderSpec, origins, resolve, resolve_model
from tokenhub.types import (
    Api,
    Capability,
    CredStore,
    Prices,
    Provider,
    ProviderType,
    Rates,
    Timeouts,
)

SECRET = "sk-very-secret"


def provider(**fields: Any) -> Provider:
    return resolve(ProviderSpec.parse({"id": "mine", "type": "openai", **fields}))


def refused(model: type[ProviderSpec] | type[ModelSpec], **fields: Any) -> BadRequest:
    with pytest.raises(BadRequest) as raised:
        model.parse(fields)
    return raised.value


def test_the_seeds_three_providers_are_understood() -> None:
    openai = resolve(
        ProviderSpec.parse(
            {
                "id": "openai",
                "type": "openai",
                "base_url": "https://api.openai.com",
                "api_key": SECRET,
            }
        )
    )
    anthropic = resolve(ProviderSpec.parse({"id": "anthropic", "type": "anthropic"}))
    ollama = resolve(
        ProviderSpec.parse(
            {"id": "ollama-local", "type": "openai", "base_url": "http://localhost:11434"}
        )
    )

    assert openai.base_urls == ("https://api.openai.com/v1",)
    assert openai.cred_store is CredStore.VAULT
    assert anthropic.base_urls == ("https://api.anthropic.com/v1",)
    assert anthropic.apis == {Api.MESSAGES, Api.COUNT_TOKENS}
    assert ollama.base_urls == ("http://localhost:11434/v1",)
    assert ollama.cred_store is CredStore.NONE
    assert ollama.prefix == "ollama-local"


def test_a_type_without_a_url_is_the_types_own_service() -> None:
    assert provider().base_urls == ("https://api.openai.com/v1",)


def test_a_known_host_gives_prefix_key_variable_and_path() -> None:
    found = provider(base_url="https://api.groq.com", cred_store="env")
    assert found.base_urls == ("https://api.groq.com/openai/v1",)
    assert found.prefix == "groq"
    assert found.key_env == "GROQ_API_KEY"


def test_a_preset_of_another_family_lends_its_name_but_not_its_url() -> None:
    row = {"id": "deepseek", "type": "anthropic", "cred_store": "env"}
    found = resolve(ProviderSpec.parse({**row, "base_url": "https://api.deepseek.com/anthropic"}))
    assert found.base_urls == ("https://api.deepseek.com/anthropic/v1",)
    assert found.apis == {Api.MESSAGES, Api.COUNT_TOKENS}
    assert (found.prefix, found.key_env) == ("deepseek", "DEEPSEEK_API_KEY")


def test_what_the_row_says_counts_before_the_preset() -> None:
    found = resolve(
        ProviderSpec.parse(
            {
                "id": "azure",
                "base_url": "https://mine.openai.azure.com",
                "prefix": "work",
                "apis": ["chat"],
                "auth_header": "X-Key",
                "headers": {"X-Team": "seven"},
                "proxy": "http://proxy:3128",
                "ca_file": "/etc/ca.pem",
            }
        )
    )
    assert found.base_urls == ("https://mine.openai.azure.com/openai/v1",)
    assert (found.prefix, found.auth_header) == ("work", "X-Key")
    assert found.apis == {Api.CHAT}
    assert found.headers == {"X-Team": "seven"}
    assert (found.proxy, found.ca_file) == ("http://proxy:3128", "/etc/ca.pem")


def test_azure_has_its_own_header_for_the_key() -> None:
    found = resolve(ProviderSpec.parse({"id": "azure", "base_url": "https://a.openai.azure.com"}))
    assert found.auth_header == "api-key"


def test_several_endpoints_are_each_completed() -> None:
    found = provider(type="vllm", base_urls=["http://a:8000/", "http://b:8000/v1"])
    assert found.base_urls == ("http://a:8000/v1", "http://b:8000/v1")
    assert found.type is ProviderType.VLLM


def test_timeouts_of_the_row_replace_the_hubs_one_by_one() -> None:
    spec = ProviderSpec.parse(
        {"id": "mine", "type": "openai", "timeout_secs": 5, "stream_idle_timeout_secs": 0.5}
    )
    assert resolve(spec, Timeouts(1, 2, 3, 4)).timeouts == Timeouts(1, 5, 3, 0.5)


@pytest.mark.parametrize(
    ("fields", "store", "key_env"),
    [
        ({}, CredStore.NONE, None),
        ({"api_key": SECRET}, CredStore.VAULT, None),
        ({"cred_store": "vault"}, CredStore.VAULT, None),
        ({"cred_store": "client"}, CredStore.CLIENT, None),
        ({"key_env": "MY_KEY"}, CredStore.ENV, "MY_KEY"),
        ({"id": "my-vllm.2", "cred_store": "env"}, CredStore.ENV, "MY_VLLM_2_API_KEY"),
    ],
)
def test_where_the_key_comes_from(
    fields: dict[str, Any], store: CredStore, key_env: str | None
) -> None:
    found = provider(**{"base_url": "http://localhost", **fields})
    assert found.cred_store is store
    assert found.key_env == key_env


def test_a_key_is_in_no_repr_and_not_stored() -> None:
    spec = ProviderSpec.parse({"id": "mine", "type": "openai", "api_key": SECRET})
    assert spec.api_key is not None
    assert spec.api_key.get_secret_value() == SECRET
    assert SECRET not in repr(spec) + str(spec) + json.dumps(spec.stored()) + repr(resolve(spec))
    assert spec.stored() == {"id": "mine", "type": "openai", "cred_store": "vault"}


def test_only_what_was_given_is_stored_and_it_reads_back() -> None:
    given = {
        "id": "mine",
        "type": "vllm",
        "base_urls": ["http://a", "http://b"],
        "apis": ["embeddings", "chat"],
        "enabled": False,
    }
    stored = ProviderSpec.parse(given).stored()
    assert stored == {**given, "apis": ["chat", "embeddings"]}
    assert ProviderSpec.parse(stored).stored() == stored


@pytest.mark.parametrize(
    ("fields", "param", "says"),
    [
        ({}, "id", "required"),
        ({"id": "a b"}, "id", "expected 1 to 64 letters, digits and . _ -"),
        ({"id": "a/b"}, "id", "expected 1 to 64"),
        ({"id": "a\n"}, "id", "expected 1 to 64"),
        ({"id": 7}, "id", "got 7"),
        ({"id": "m"}, "type", "one of openai, anthropic, vllm"),
        ({"id": "m", "type": "opnai"}, "type", "'openai', 'anthropic' or 'vllm', got 'opnai'"),
        ({"id": "m", "type": SECRET}, "type", "'vllm', got text"),
        ({"id": "m", "type": "vllm"}, "base_url", "required for type 'vllm'"),
        ({"id": "azure"}, "base_url", "required for Azure OpenAI"),
        ({"id": "m", "preset": "x"}, "preset", "unknown preset 'x'"),
        ({"id": "m", "type": "openai", "enabled": "yes"}, "enabled", "got text"),
        ({"id": "m", "type": "openai", "enabled": None}, "enabled", "got null"),
        ({"id": "m", "type": "openai", "base_ulr": "x"}, "base_ulr", "did you mean 'base_url'?"),
        ({"id": "m", "type": "openai", "zzzz": "x"}, "zzzz", "one of id, type"),
        ({"id": "m", "type": "openai", "base_url": "http://[fe80::1]"}, "base_url", "link-local"),
        ({"id": "m", "type": "openai", "base_url": ["x"]}, "base_url", "got a list"),
        ({"id": "m", "type": "openai", "base_urls": []}, "base_urls",
         "expected at least 1 item, got fewer"),
        ({"id": "m", "type": "openai", "base_urls": ["http://a", "b"]}, "base_urls.1", "scheme"),
        ({"id": "m", "type": "openai", "base_urls": ["http://a"], "base_url": "http://a"}, None,
         "either base_url or base_urls"),
        ({"id": "m", "type": "openai", "api_key": ""}, "api_key", "empty"),
        ({"id": "m", "type": "openai", "api_key": "a\r\nb"}, "api_key", "line break"),
        ({"id": "m", "type": "openai", "api_key": "x" * 9000}, "api_key", "longer"),
        ({"id": "m", "type": "openai", "api_key": SECRET, "cred_store": "env"}, None, "'vault'"),
        ({"id": "m", "type": "openai", "key_env": "A-B"}, "key_env", "the name of a variable"),
        ({"id": "m", "type": "openai", "apis": []}, "apis", "at least 1"),
        ({"id": "m", "type": "openai", "apis": ["talk"]}, "apis.0", "'chat'"),
        ({"id": "m", "type": "openai", "auth_header": "a b"}, "auth_header", "header name"),
        ({"id": "m", "type": "openai", "auth_header": "Host"}, "auth_header", "cannot carry"),
        ({"id": "m", "type": "openai", "headers": {"X": "a\r\nY: b"}}, "headers", "line break"),
        ({"id": "m", "type": "openai", "headers": {"X:": "a"}}, "headers", "header name"),
        ({"id": "m", "type": "openai", "headers": {"Host": "a"}}, "headers", "connection"),
        ({"id": "m", "type": "openai", "headers": {"Authorization": SECRET}}, "headers", "secret"),
        ({"id": "m", "type": "openai", "headers": {f"X{i}": "a" for i in range(33)}}, "headers",
         "at most 32"),
        ({"id": "m", "type": "openai", "timeout_secs": 0}, "timeout_secs", "greater than 0"),
        ({"id": "m", "type": "openai", "timeout_secs": float("nan")}, "timeout_secs", "finite"),
        ({"id": "m", "type": "openai", "timeout_secs": "5"}, "timeout_secs", "number"),
        ({"id": "m", "type": "openai", "proxy": "socks5://a:1"}, "proxy", "scheme"),
        ({"id": "m", "type": "openai", "proxy": f"http://u:{SECRET}@a:1"}, "proxy", "password"),
        ({"id": "m", "type": "openai", "ca_file": "ca.pem"}, "ca_file", "absolute path"),
        ({"id": "\ud800"}, None, "invalid JSON"),
        ({"id": object()}, None, "plain JSON"),
    ],
)  # fmt: skip
def test_a_wrong_provider_is_refused_naming_the_field(
    fields: dict[str, Any], param: str | None, says: str
) -> None:
    error = refused(ProviderSpec, **fields)
    assert error.param == param
    assert says in error.message
    assert SECRET not in error.message


def test_a_listed_host_may_be_link_local() -> None:
    row = {"id": "m", "type": "openai", "base_url": "http://169.254.1.1"}
    spec = ProviderSpec.parse(row, listed=["169.254.1.1"])
    assert spec.patched({"enabled": False}, listed=["169.254.1.1"]).enabled is False
    with pytest.raises(BadRequest):
        spec.patched({"enabled": False})


def test_a_change_keeps_what_it_does_not_name() -> None:
    spec = ProviderSpec.parse({"id": "m", "type": "openai", "prefix": "p", "enabled": False})
    assert spec.patched({"enabled": True}).stored() == {**spec.stored(), "enabled": True}


def test_a_null_takes_a_field_back_to_its_default() -> None:
    spec = ProviderSpec.parse({"id": "m", "type": "openai", "prefix": "p", "enabled": False})
    assert spec.patched({"prefix": None, "enabled": None}).stored() == {"id": "m", "type": "openai"}


def test_one_form_of_the_url_replaces_the_other() -> None:
    spec = ProviderSpec.parse({"id": "m", "type": "openai", "base_url": "http://a"})
    pool = spec.patched({"base_urls": ["http://b", "http://c"]})
    assert resolve(pool).base_urls == ("http://b/v1", "http://c/v1")
    assert resolve(pool.patched({"base_url": "http://d"})).base_urls == ("http://d/v1",)


def test_a_new_key_moves_the_provider_to_the_vault() -> None:
    spec = ProviderSpec.parse({"id": "m", "type": "openai", "cred_store": "env"})
    changed = spec.patched({"api_key": SECRET})
    assert changed.cred_store is CredStore.VAULT
    assert changed.api_key is not None


def test_an_id_cannot_be_changed() -> None:
    spec = ProviderSpec.parse({"id": "m", "type": "openai"})
    assert spec.patched({"id": "m"}).id == "m"
    with pytest.raises(BadRequest, match="cannot be changed") as raised:
        spec.patched({"id": "n"})
    assert raised.value.param == "id"


def test_origins_are_those_of_all_endpoints() -> None:
    found = provider(base_urls=["http://a:1/v1", "http://a:1/other", "https://b"])
    assert {(o.scheme, o.host, o.port) for o in origins(found)} == {
        ("http", "a", 1),
        ("https", "b", 443),
    }


MODEL = {"id": "gpt-4o", "provider_id": "openai"}


def test_the_seeds_model_is_understood() -> None:
    spec = ModelSpec.parse(
        {
            **MODEL,
            "weight": 8,
            "max_context_tokens": 128000,
            "input_per_1k": 0.0025,
            "output_per_1k": 0.01,
        }
    )
    deployment = resolve_model(spec, provider(id="openai"))
    assert deployment.key == "openai/gpt-4o"
    assert deployment.upstream_name == "gpt-4o"
    assert (deployment.weight, deployment.max_context_tokens) == (8, 128000)
    assert deployment.prices == Prices(Rates(2_500_000, 10_000_000))
    assert deployment.enabled


def test_a_model_knows_its_defaults() -> None:
    deployment = resolve_model(ModelSpec.parse(MODEL), provider(id="openai"))
    assert deployment.weight == 5
    assert deployment.prices is None
    assert deployment.capabilities is None
    assert deployment.fallbacks == ()


@pytest.mark.parametrize(
    ("model_id", "at", "upstream_name"),
    [
        ("anthropic/claude", {"id": "anthropic", "type": "anthropic"}, "claude"),
        ("anthropic/claude", {"id": "work", "type": "anthropic"}, "claude"),
        ("work/claude", {"id": "work", "type": "anthropic"}, "claude"),
        ("anthropic/claude", {"id": "openrouter"}, "anthropic/claude"),
        ("openrouter/anthropic/claude", {"id": "openrouter"}, "anthropic/claude"),
        ("claude", {"id": "anthropic", "type": "anthropic"}, "claude"),
    ],
)
def test_the_upstream_name_is_the_id_without_its_own_providers_prefix(
    model_id: str, at: dict[str, Any], upstream_name: str
) -> None:
    where = dict(at)
    if where["id"] == "work":
        where["base_url"] = "https://api.anthropic.com"
    spec = ModelSpec.parse({"id": model_id, "provider_id": where["id"]})
    assert resolve_model(spec, provider(**where)).upstream_name == upstream_name


def test_a_given_upstream_name_counts() -> None:
    spec = ModelSpec.parse({**MODEL, "upstream_name": "gpt-4o-2024-11-20"})
    assert resolve_model(spec, provider(id="openai")).upstream_name == "gpt-4o-2024-11-20"


def test_capabilities_fallbacks_and_tiers_are_read() -> None:
    spec = ModelSpec.parse(
        {
            **MODEL,
            "capabilities": ["vision", "tools"],
            "fallbacks": ["anthropic/claude", "gpt-4o-mini"],
            "input_per_1k": 1,
            "output_per_1k": 2,
            "tiers": [{"above_input_tokens": 200000, "input_per_1k": 3, "output_per_1k": 4}],
            "pricing_source": "manual",
        }
    )
    deployment = resolve_model(spec, provider(id="openai"))
    assert deployment.capabilities == frozenset({Capability.TOOLS, Capability.VISION})
    assert deployment.fallbacks == ("anthropic/claude", "gpt-4o-mini")
    assert deployment.prices is not None
    assert deployment.prices.tiers[0].rates.output_nano_per_1k == 4 * 10**9
    assert ModelSpec.parse(spec.stored()).stored() == spec.stored()


def test_a_model_is_changed_in_part() -> None:
    spec = ModelSpec.parse({**MODEL, "input_per_1k": 1, "output_per_1k": 2})
    changed = spec.patched({"output_per_1k": 3, "weight": 0})
    assert changed.stored() == {
        **MODEL, "input_per_1k": 1, "output_per_1k": 3, "weight": 0
    }  # fmt: skip
    assert spec.patched({"input_per_1k": None, "output_per_1k": None}).stored() == MODEL
    with pytest.raises(BadRequest, match="provider_id: cannot be changed"):
        spec.patched({"provider_id": "other"})


@pytest.mark.parametrize(
    ("fields", "param", "says"),
    [
        ({"provider_id": "p"}, "id", "required"),
        ({"id": "m"}, "provider_id", "required"),
        ({"id": "a b", "provider_id": "p"}, "id", "in parts divided by /"),
        ({**MODEL, "weight": 11}, "weight", "less than or equal to 10"),
        ({**MODEL, "weight": True}, "weight", "got true"),
        ({**MODEL, "weight": 1.5}, "weight", "got 1.5"),
        ({**MODEL, "input_per_1k": -1, "output_per_1k": 1}, "input_per_1k", "got -1"),
        ({**MODEL, "input_per_1k": float("inf")}, "input_per_1k", "finite"),
        ({**MODEL, "input_per_1k": 1}, None, "together"),
        ({**MODEL, "max_context_tokens": 0}, "max_context_tokens", "greater than or equal to 1"),
        ({**MODEL, "capabilities": ["fly"]}, "capabilities.0", "'tools'"),
        ({**MODEL, "tiers": [{}]}, "tiers.0.above_input_tokens", "required"),
        ({**MODEL, "tiers": [{"above_input_tokens": 1, "x": 1}]}, "tiers.0.x", "unknown field"),
        ({**MODEL, "pricing_source": "guess"}, "pricing_source", "'manual'"),
        ({**MODEL, "upstream_name": "a\nb"}, "upstream_name", "visible ASCII"),
    ],
)
def test_a_wrong_model_is_refused_naming_the_field(
    fields: dict[str, Any], param: str | None, says: str
) -> None:
    error = refused(ModelSpec, **fields)
    assert error.param == param
    assert says in error.message


@pytest.mark.parametrize("name", ["..", ".", "../a", "a/..", "a/./b", "a//b", "/a", "a" * 201])
def test_no_id_leads_a_path_elsewhere(name: str) -> None:
    assert not is_model_id(name)
    with pytest.raises(BadRequest):
        ModelSpec.parse({**MODEL, "id": name})
    with pytest.raises(BadRequest):
        ProviderSpec.parse({"id": name, "type": "openai"})


@pytest.mark.parametrize("name", ["@cf/meta/llama-3.1-8b", "us.amazon.nova:0", "a/b..c", "_x"])
def test_real_model_ids_are_taken(name: str) -> None:
    assert is_model_id(name)
    assert ModelSpec.parse({**MODEL, "id": name}).id == name


def test_a_model_whose_name_says_so_only_embeds_unless_the_row_says_more() -> None:
    row = {**MODEL, "id": "text-embedding-3-small"}
    assert resolve_model(ModelSpec.parse(row), provider()).capabilities == frozenset(
        {Capability.EMBEDDINGS}
    )
    told = ModelSpec.parse({**row, "capabilities": ["tools"]})
    assert resolve_model(told, provider()).capabilities == frozenset({Capability.TOOLS})
