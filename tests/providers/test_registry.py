import difflib
from collections.abc import Iterable
from dataclasses import FrozenInstanceError, replace

import pytest

from tokenhub.providers import registry
from tokenhub.providers.registry import Registry, RegistryHolder
from tokenhub.types import Deployment, Provider, ProviderType


def provider(provider_id: str, prefix: str = "", *, enabled: bool = True) -> Provider:
    return Provider(
        provider_id, ProviderType.OPENAI, ("http://localhost/v1",), enabled, prefix=prefix
    )


def model(name: str, provider_id: str, *, enabled: bool = True) -> Deployment:
    return Deployment(name, provider_id, name, enabled=enabled)


OPENAI = provider("openai", "openai")
SECOND = provider("second", "openai")
OFF = provider("off", enabled=False)
REGISTRY = Registry.build(
    [OPENAI, SECOND, OFF],
    [
        model("gpt-4o", "second", enabled=False),
        model("gpt-4o", "openai"),
        model("gpt-4o-mini", "openai"),
        model("old", "openai", enabled=False),
        model("llama", "off"),
        model("a/b", "second"),
        model("ghost", "nowhere"),
    ],
)


def test_a_name_has_all_its_deployments_by_provider() -> None:
    assert [row.key for row in REGISTRY.deployments("gpt-4o")] == ["openai/gpt-4o", "second/gpt-4o"]
    assert REGISTRY.deployments("gpt-5") == ()


def test_one_deployment_is_found_by_provider_and_id() -> None:
    found = REGISTRY.deployment("second", "a/b")
    assert found is not None
    assert found.key == "second/a/b"
    assert REGISTRY.deployment("openai", "a/b") is None


def test_names_are_those_that_can_be_used() -> None:
    assert REGISTRY.names() == ("a/b", "gpt-4o", "gpt-4o-mini")


def test_every_deployment_is_listed_once_but_those_of_unknown_providers() -> None:
    keys = [row.key for row in REGISTRY.all_deployments()]
    assert keys == sorted(keys, key=lambda key: key.partition("/")[::-1])
    assert len(keys) == 6
    assert "nowhere/ghost" not in keys


def test_a_prefix_means_all_its_providers() -> None:
    assert REGISTRY.with_prefix("openai") == (OPENAI, SECOND)


def test_a_prefix_that_no_provider_has_is_read_as_a_provider_id() -> None:
    assert REGISTRY.with_prefix("second") == (SECOND,)
    assert REGISTRY.with_prefix("off") == (OFF,)
    assert REGISTRY.with_prefix("nobody") == ()


def test_the_nearest_names_are_usable_ones() -> None:
    assert REGISTRY.nearest("gpt4o") == ("gpt-4o", "gpt-4o-mini")
    assert REGISTRY.nearest("GPT-4O-MINI", 1) == ("gpt-4o-mini",)
    assert REGISTRY.nearest("lama") == ()
    assert REGISTRY.nearest("x" * 100_000) == ()


def test_names_that_may_not_be_used_are_not_among_the_nearest() -> None:
    assert REGISTRY.nearest("gpt4o", allowed=lambda name: name != "gpt-4o") == ("gpt-4o-mini",)
    assert REGISTRY.nearest("gpt4o", allowed=lambda _: False) == ()
    folded = Registry.build([OPENAI], [model("GPT-4o", "openai"), model("gpt-4o", "openai")])
    assert folded.nearest("gpt4o", allowed=lambda name: name == "GPT-4o") == ("GPT-4o",)
    assert folded.nearest("gpt4o", allowed=lambda name: name == "gpt-4o") == ("gpt-4o",)


def test_the_nearest_of_many_names_are_found_among_the_most_alike(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    compared: list[str] = []

    def counted(word: str, possibilities: Iterable[str], n: int, cutoff: float) -> list[str]:
        compared.extend(found := list(possibilities))
        return difflib.get_close_matches(word, found, n, cutoff)

    monkeypatch.setattr(registry, "get_close_matches", counted)
    many = [model(f"vendor/model-{number}-instruct", "openai") for number in range(500)]
    wanted = [model("claude-sonnet-4-5", "openai"), model("o1", "openai")]
    found = Registry.build([OPENAI], [*many, *wanted])
    assert found.nearest("claude-sonet-4.5")[0] == "claude-sonnet-4-5"
    assert found.nearest("vendor/model-123-instructt")[0] == "vendor/model-123-instruct"
    assert len(compared) == 100
    assert found.nearest("o1-") == ("o1",)
    assert found.nearest("") == ()


def test_a_snapshot_cannot_be_changed() -> None:
    with pytest.raises(TypeError):
        REGISTRY.providers["new"] = OPENAI  # type: ignore[index]
    with pytest.raises(FrozenInstanceError):
        REGISTRY.providers["openai"].enabled = False  # type: ignore[misc]


def test_a_request_keeps_the_snapshot_that_it_read() -> None:
    holder = RegistryHolder(REGISTRY)
    seen = holder.current
    holder.replace(Registry.build([replace(OPENAI, enabled=False)], []))
    assert seen is REGISTRY
    assert holder.current.names() == ()
