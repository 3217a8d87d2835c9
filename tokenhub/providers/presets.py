"""The catalogue of known providers: what need not be typed to add one.

Sources: each service's own API reference for OpenAI-compatible access.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from tokenhub.types import Api, ProviderType

OPENAI_APIS: Final = frozenset({Api.CHAT, Api.COMPLETIONS, Api.RESPONSES, Api.EMBEDDINGS})
ANTHROPIC_APIS: Final = frozenset({Api.MESSAGES, Api.COUNT_TOKENS})
# Also of those whose responses are not to be relied on: Together has them for some of its models,
# llama.cpp makes chats of them, and an older one says of their path what it says of a wrong model.
_CLASSIC_APIS: Final = frozenset({Api.CHAT, Api.COMPLETIONS, Api.EMBEDDINGS})
_CHAT_ONLY: Final = frozenset({Api.CHAT})
_CHAT_EMBEDDINGS: Final = frozenset({Api.CHAT, Api.EMBEDDINGS})

APIS_OF_TYPE: Final[Mapping[ProviderType, frozenset[Api]]] = MappingProxyType(
    {
        ProviderType.OPENAI: OPENAI_APIS,
        ProviderType.ANTHROPIC: ANTHROPIC_APIS,
        ProviderType.VLLM: OPENAI_APIS,
    }
)
"""What a provider is taken to have when neither its row nor a preset says; errors correct it."""

URL_OF_TYPE: Final[Mapping[ProviderType, str]] = MappingProxyType(
    {
        ProviderType.OPENAI: "https://api.openai.com/v1",
        ProviderType.ANTHROPIC: "https://api.anthropic.com/v1",
    }
)
"""The type's own service, for a provider without a URL."""


@dataclass(frozen=True, slots=True)
class Preset:
    """A known provider. `base_url` None: everybody has an own host, which ends in `host`.

    `path` completes a base URL that was given without one; `key_env` None: it needs no key.
    """

    id: str
    name: str
    type: ProviderType
    host: str
    path: str = "/v1"
    base_url: str | None = None
    key_env: str | None = None
    apis: frozenset[Api] = OPENAI_APIS
    auth_header: str | None = None

    def serves(self, host: str) -> bool:
        """Return whether `host` is this provider's; never for one that runs on any machine."""
        return bool(self.host) and (
            host == self.host or (self.base_url is None and host.endswith("." + self.host))
        )


def _hosted(
    preset_id: str,
    name: str,
    url: str,
    key_env: str,
    apis: frozenset[Api] = OPENAI_APIS,
    provider_type: ProviderType = ProviderType.OPENAI,
) -> Preset:
    host, slash, path = url.removeprefix("https://").partition("/")
    return Preset(
        preset_id, name, provider_type, host, slash + path, url, key_env=key_env, apis=apis
    )


def _local(
    preset_id: str,
    name: str,
    port: int,
    apis: frozenset[Api],
    provider_type: ProviderType = ProviderType.OPENAI,
) -> Preset:
    url = f"http://localhost:{port}/v1"
    return Preset(preset_id, name, provider_type, host="", base_url=url, apis=apis)


_ALL: Final = (
    _hosted("openai", "OpenAI", "https://api.openai.com/v1", "OPENAI_API_KEY"),
    _hosted(
        "anthropic",
        "Anthropic",
        "https://api.anthropic.com/v1",
        "ANTHROPIC_API_KEY",
        ANTHROPIC_APIS,
        ProviderType.ANTHROPIC,
    ),
    _hosted(
        "google",
        "Google",
        "https://generativelanguage.googleapis.com/v1beta/openai",
        "GEMINI_API_KEY",
        _CHAT_EMBEDDINGS,
    ),
    _hosted("mistral", "Mistral", "https://api.mistral.ai/v1", "MISTRAL_API_KEY", _CHAT_EMBEDDINGS),
    _hosted("meta", "Meta Llama", "https://api.llama.com/compat/v1", "LLAMA_API_KEY", _CHAT_ONLY),
    _hosted(
        "groq",
        "Groq",
        "https://api.groq.com/openai/v1",
        "GROQ_API_KEY",
        frozenset({Api.CHAT, Api.RESPONSES}),
    ),
    _hosted(
        "together", "Together", "https://api.together.xyz/v1", "TOGETHER_API_KEY", _CLASSIC_APIS
    ),
    _hosted("fireworks", "Fireworks", "https://api.fireworks.ai/inference/v1", "FIREWORKS_API_KEY"),
    _hosted("deepseek", "DeepSeek", "https://api.deepseek.com/v1", "DEEPSEEK_API_KEY", _CHAT_ONLY),
    _hosted(
        "xai", "xAI", "https://api.x.ai/v1", "XAI_API_KEY", frozenset({Api.CHAT, Api.RESPONSES})
    ),
    _hosted("openrouter", "OpenRouter", "https://openrouter.ai/api/v1", "OPENROUTER_API_KEY"),
    _hosted(
        "nvidia",
        "NVIDIA NIM",
        "https://integrate.api.nvidia.com/v1",
        "NVIDIA_API_KEY",
        _CHAT_EMBEDDINGS,
    ),
    Preset(
        "azure",
        "Azure OpenAI",
        ProviderType.OPENAI,
        host="openai.azure.com",
        path="/openai/v1",
        key_env="AZURE_OPENAI_API_KEY",
        auth_header="api-key",
    ),
    _local("ollama", "Ollama", 11434, OPENAI_APIS),
    _local("lmstudio", "LM Studio", 1234, OPENAI_APIS),
    _local("llamacpp", "llama.cpp", 8080, _CLASSIC_APIS),
    _local("vllm", "vLLM", 8000, OPENAI_APIS, ProviderType.VLLM),
)

PRESETS: Final[Mapping[str, Preset]] = MappingProxyType({preset.id: preset for preset in _ALL})
"""All presets by id."""


def find(preset_id: str | None, provider_id: str, host: str) -> Preset | None:
    """Return the preset of a provider: the named one, else that of its id, else of its host.

    Raises `ValueError` when `preset_id` is not in the catalogue.
    """
    if preset_id is not None:
        if preset_id not in PRESETS:
            raise ValueError(f"unknown preset {preset_id!r}: one of {', '.join(PRESETS)}")
        return PRESETS[preset_id]
    if provider_id in PRESETS:
        return PRESETS[provider_id]
    return next((preset for preset in _ALL if preset.serves(host)), None)
