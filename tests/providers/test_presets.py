import pytest

from tokenhub.providers import presets
from tokenhub.providers.spec import ProviderSpec, resolve
from tokenhub.providers.urls import check_url, with_version
from tokenhub.types import Api, CredStore, ProviderType

NEEDS_A_URL = {"azure"}


@pytest.mark.parametrize("preset_id", [*presets.PRESETS])
def test_every_preset_makes_a_provider_by_its_id_alone(preset_id: str) -> None:
    preset = presets.PRESETS[preset_id]
    url = {"base_url": "https://mine.openai.azure.com"} if preset_id in NEEDS_A_URL else {}

    provider = resolve(ProviderSpec.parse({"id": preset_id, "cred_store": "env", **url}))

    assert provider.type is preset.type
    assert provider.prefix == preset_id
    assert provider.cred_store is CredStore.ENV
    assert provider.apis


@pytest.mark.parametrize("preset", [p for p in presets.PRESETS.values() if p.base_url])
def test_every_url_of_the_catalogue_is_allowed_and_complete(preset: presets.Preset) -> None:
    assert preset.base_url is not None
    assert check_url(preset.base_url, what="a URL") == preset.base_url
    assert with_version(preset.base_url) == preset.base_url


def test_the_catalogue_has_the_providers_it_promises() -> None:
    assert {preset.name for preset in presets.PRESETS.values()} == {
        "OpenAI", "Anthropic", "Google", "Mistral", "Meta Llama", "Groq", "Together", "Fireworks",
        "DeepSeek", "xAI", "OpenRouter", "NVIDIA NIM", "Azure OpenAI", "Ollama", "LM Studio",
        "llama.cpp", "vLLM",
    }  # fmt: skip


def test_a_named_preset_counts_before_the_id_and_the_id_before_the_host() -> None:
    found = presets.find("groq", "openai", "api.mistral.ai")
    assert found is not None
    assert found.id == "groq"
    found = presets.find(None, "openai", "api.mistral.ai")
    assert found is not None
    assert found.id == "openai"
    found = presets.find(None, "mine", "api.mistral.ai")
    assert found is not None
    assert found.id == "mistral"
    assert presets.find(None, "mine", "localhost") is None


def test_everybodys_own_azure_host_is_recognised_but_no_lookalike() -> None:
    found = presets.find(None, "mine", "team.openai.azure.com")
    assert found is not None
    assert found.id == "azure"
    assert presets.find(None, "mine", "evilopenai.azure.com") is None
    assert presets.find(None, "mine", "x.api.openai.com") is None


def test_an_unknown_preset_is_refused_with_the_list() -> None:
    with pytest.raises(ValueError, match="unknown preset 'opnai': one of openai, anthropic"):
        presets.find("opnai", "mine", "")


def test_only_the_anthropic_preset_speaks_anthropic() -> None:
    speaking = [p.id for p in presets.PRESETS.values() if p.type is ProviderType.ANTHROPIC]
    assert speaking == ["anthropic"]


def test_responses_go_natively_where_they_are_to_be_relied_on() -> None:
    having = {name for name, preset in presets.PRESETS.items() if Api.RESPONSES in preset.apis}
    assert having == {
        "openai", "azure", "xai", "openrouter", "groq", "fireworks", "ollama", "lmstudio", "vllm",
    }  # fmt: skip


def test_only_anthropic_counts_tokens() -> None:
    counting = [name for name, preset in presets.PRESETS.items() if Api.COUNT_TOKENS in preset.apis]
    assert counting == ["anthropic"]


@pytest.mark.parametrize("kind", ["openai", "vllm"])
def test_a_server_of_openais_kind_is_taken_to_have_responses_until_it_says_no(kind: str) -> None:
    spec = ProviderSpec.parse({"id": "mine", "type": kind, "base_url": "http://gpu:8000"})
    assert Api.RESPONSES in resolve(spec).apis
    assert Api.MESSAGES not in resolve(spec).apis
