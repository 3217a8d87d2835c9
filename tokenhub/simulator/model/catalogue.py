"""The models that a simulated provider has, and what they can do."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from tokenhub.types import ProviderType


@dataclass(frozen=True, slots=True)
class Model:
    """A model; `snapshot` is the name it gives itself in answers, sizes are tokens.

    `dimensions` is the size of an embedding model's vectors. `chat` and `completions` say which
    API of text it has; `reasons` that it thinks before it answers and wants
    `max_completion_tokens`.
    """

    id: str
    snapshot: str
    created_s: int = 1_715_367_049
    context_tokens: int = 128_000
    max_output_tokens: int = 16_384
    dimensions: int = 0
    chat: bool = True
    completions: bool = False
    reasons: bool = False


_REASONING = re.compile(r"^(o\d|gpt-5|gpt-oss)|qwen3|deepseek-r1", re.IGNORECASE)
_EMBEDDING = re.compile(r"embed|bge-|e5-", re.IGNORECASE)


def _gpt(name: str, date: str, created_s: int, context: int, output: int) -> Model:
    return Model(
        name,
        f"{name}-{date}",
        created_s,
        context,
        output,
        reasons=_REASONING.search(name) is not None,
    )


_OPENAI = (
    _gpt("gpt-4o", "2024-08-06", 1_715_367_049, 128_000, 16_384),
    _gpt("gpt-4o-mini", "2024-07-18", 1_721_172_741, 128_000, 16_384),
    _gpt("gpt-4.1", "2025-04-14", 1_744_316_542, 1_047_576, 32_768),
    _gpt("gpt-4.1-mini", "2025-04-14", 1_744_318_173, 1_047_576, 32_768),
    _gpt("gpt-5", "2025-08-07", 1_754_425_777, 400_000, 128_000),
    _gpt("gpt-5-mini", "2025-08-07", 1_754_425_928, 400_000, 128_000),
    _gpt("o3", "2025-04-16", 1_744_225_308, 200_000, 100_000),
    _gpt("o4-mini", "2025-04-16", 1_744_225_351, 200_000, 100_000),
    Model(
        "gpt-3.5-turbo-instruct",
        "gpt-3.5-turbo-instruct:20230824-v2",
        1_692_901_427,
        4_097,
        4_096,
        chat=False,
        completions=True,
    ),
    Model(
        "text-embedding-3-small",
        "text-embedding-3-small",
        1_705_948_997,
        8_192,
        0,
        dimensions=1536,
        chat=False,
    ),
    Model(
        "text-embedding-3-large",
        "text-embedding-3-large",
        1_705_953_180,
        8_192,
        0,
        dimensions=3072,
        chat=False,
    ),
)

_ANTHROPIC = (
    Model("claude-opus-5-5", "claude-opus-5-5", 1_782_864_000, 1_000_000, 128_000),
    Model("claude-sonnet-5-5", "claude-sonnet-5-5", 1_782_604_800, 1_000_000, 128_000),
    Model("claude-opus-4-5", "claude-opus-4-5-20251101", 1_761_955_200, 200_000, 64_000),
    Model("claude-haiku-4-5", "claude-haiku-4-5-20251001", 1_759_276_800, 200_000, 64_000),
    Model("claude-sonnet-4-5", "claude-sonnet-4-5-20250929", 1_759_104_000, 200_000, 64_000),
    Model("claude-opus-4-1", "claude-opus-4-1-20250805", 1_754_352_000, 200_000, 32_000),
)

_LLAMA = "meta-llama/Llama-3.1-8B-Instruct"
_QWEN = "Qwen/Qwen3-8B"
_BGE = "BAAI/bge-small-en-v1.5"
_VLLM = (
    Model(_LLAMA, _LLAMA, 1_756_684_800, 131_072, 131_072, completions=True),
    Model(_QWEN, _QWEN, 1_756_684_800, 40_960, 40_960, completions=True, reasons=True),
    Model(_BGE, _BGE, 1_756_684_800, 512, 0, dimensions=384, chat=False),
)

_DEFAULTS: Mapping[ProviderType, tuple[Model, ...]] = {
    ProviderType.OPENAI: _OPENAI,
    ProviderType.ANTHROPIC: _ANTHROPIC,
    ProviderType.VLLM: _VLLM,
}


class Catalogue:
    """The models of one simulator, by id and by snapshot."""

    def __init__(self, models: Iterable[Model]) -> None:
        self.models = tuple(models)
        self._by_name = {model.snapshot: model for model in self.models}
        self._by_name.update({model.id: model for model in self.models})

    def get(self, name: object) -> Model | None:
        """The model called `name`, or None."""
        return self._by_name.get(name) if isinstance(name, str) else None


def catalogue(kind: ProviderType, names: Iterable[str] | None = None) -> Catalogue:
    """The usual models of `kind`, or those called `names`.

    A name that is not among the usual ones gets the powers that it suggests (embeddings,
    reasoning) and else every API.
    """
    usual = Catalogue(_DEFAULTS[kind])
    if names is None:
        return usual
    return Catalogue(usual.get(name) or _made_up(name) for name in names)


def _made_up(name: str) -> Model:
    if _EMBEDDING.search(name):
        return Model(name, name, max_output_tokens=0, dimensions=1536, chat=False)
    return Model(name, name, completions=True, reasons=_REASONING.search(name) is not None)
