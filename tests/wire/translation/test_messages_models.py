import pytest

from tokenhub.wire.translation.messages_models import Claude, Off, claude


@pytest.mark.parametrize(
    ("name", "family", "version"),
    [
        ("claude-opus-4-5-20251101", "opus", (4, 5)),
        ("claude-opus-4-20250514", "opus", (4, 0)),
        ("claude-opus-4@20250514", "opus", (4, 0)),
        ("anthropic/claude-opus-4.7", "opus", (4, 7)),
        ("us.anthropic.claude-sonnet-4-5-20250929-v1:0", "sonnet", (4, 5)),
        ("claude-3-7-sonnet-20250219", "sonnet", (3, 7)),
        ("claude-3-opus-20240229", "opus", (3, 0)),
        ("Claude-Fable-5-1", "fable", (5, 1)),
        ("claude-mythos-preview", "mythos", (4, 7)),
        ("deepseek-chat", "", (0, 0)),
        ("claude-latest", "", (0, 0)),
    ],
)
def test_family_and_version_are_read_from_a_name(
    name: str, family: str, version: tuple[int, int]
) -> None:
    assert claude(name) == Claude(family, version)


@pytest.mark.parametrize(
    ("name", "adaptive", "sampled", "system_turns"),
    [
        ("some-model", False, True, False),
        ("claude-sonnet-4-5", False, True, False),
        ("claude-opus-4-6", True, True, False),
        ("claude-opus-4-7", True, False, False),
        ("claude-opus-4-8", True, False, True),
        ("claude-sonnet-5", True, False, False),
        ("claude-sonnet-5-5", True, False, True),
        ("claude-fable-5", True, False, True),
    ],
)
def test_what_a_model_takes_follows_from_its_version(
    name: str, adaptive: bool, sampled: bool, system_turns: bool
) -> None:
    model = claude(name)

    assert (model.adaptive, model.sampled, model.system_turns) == (adaptive, sampled, system_turns)


@pytest.mark.parametrize(
    ("name", "off"),
    [
        ("some-model", Off.UNSAID),
        ("claude-opus-4-8", Off.UNSAID),
        ("claude-mythos-preview", Off.NEVER),
        ("claude-opus-5", Off.DISABLED),
        ("claude-sonnet-5", Off.DISABLED),
        ("claude-sonnet-5-5", Off.BETWEEN_TOOLS),
        ("claude-haiku-5-5", Off.DISABLED),
        ("claude-opus-5-5", Off.NEVER),
        ("claude-fable-5-1", Off.NEVER),
        ("claude-opus-9", Off.NEVER),
    ],
)
def test_each_model_is_told_not_to_think_in_its_own_way(name: str, off: Off) -> None:
    assert claude(name).off is off


@pytest.mark.parametrize(
    ("name", "word", "effort"),
    [
        ("claude-opus-5", "minimal", "low"),
        ("claude-opus-5", "xhigh", "xhigh"),
        ("claude-opus-4-6", "xhigh", "high"),
        ("claude-opus-4-6", "max", "max"),
        ("claude-opus-5", None, None),
        ("claude-opus-5", "enormous", None),
    ],
)
def test_an_effort_is_said_as_the_model_takes_it(
    name: str, word: str | None, effort: str | None
) -> None:
    assert claude(name).effort(word) == effort
