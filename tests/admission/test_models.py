import pytest

from tokenhub.admission.models import allows
from tokenhub.types import ApiKey, Deployment

GPT = Deployment("gpt-4o", "openai", "gpt-4o")
LLAMA = Deployment("meta/llama-3", "groq", "llama-3")


def key_for(*globs: str) -> ApiKey:
    return ApiKey("k1", "editor", b"", allowed_models=globs)


def test_a_key_without_a_list_may_use_every_model() -> None:
    assert allows(ApiKey("k1", "editor", b""), GPT)


@pytest.mark.parametrize("glob", ["gpt-4o", "gpt-*", "*", "openai/*", "openai/gpt-4o", "gpt-4?"])
def test_a_glob_stands_for_a_name_or_one_deployment(glob: str) -> None:
    assert allows(key_for(glob), GPT)


@pytest.mark.parametrize(
    "glob", ["gpt-4", "pt-4o", "GPT-4o", "azure/gpt-4o", "gpt-4o-mini", "open"]
)
def test_another_name_is_not_allowed(glob: str) -> None:
    assert not allows(key_for(glob), GPT)


def test_one_of_several_globs_is_enough() -> None:
    assert allows(key_for("claude-*", "gpt-*"), GPT)


def test_a_name_with_a_slash_is_matched_whole() -> None:
    assert allows(key_for("meta/*"), LLAMA)
    assert allows(key_for("groq/meta/llama-3"), LLAMA)
    assert not allows(key_for("llama-3"), LLAMA)


def test_an_empty_list_allows_nothing() -> None:
    assert not allows(key_for(), GPT)


def test_a_glob_full_of_stars_is_decided_as_well() -> None:
    long = Deployment("a" * 200, "openai", "a")
    assert not allows(key_for("*a" * 50 + "b"), long)
