"""What of a place in a request may be kept, where the client has chosen the names."""

from typing import Any, get_args, get_type_hints

import pytest
from anthropic.types.beta import BetaToolUnionParam
from hypothesis import given
from hypothesis import strategies as st

from tokenhub.types import Api
from tokenhub.wire.translation import translator
from tokenhub.wire.translation.aim import Aim
from tokenhub.wire.translation.conversation import Origin
from tokenhub.wire.translation.fields import kept
from tokenhub.wire.translation.places import kept_place, kind_at
from tokenhub.wire.translation.responses_input import OTHER_ITEMS
from tokenhub.wire.translation.responses_tools import BUILT_IN, OPTIONAL

TOOL = {"type": "function", "function": {"name": "f"}}
BODY: dict[str, Any] = {"tools": [TOOL, {"type": "web_search_20250305"}, {"type": "mine"}]}
HI = {"role": "user", "content": "hi"}


@pytest.mark.parametrize(
    ("where", "kind"),
    [
        ("tools.1", " (web_search)"),
        ("tools.0", ""),
        ("tools.2", ""),
        ("tools.3", ""),
        ("tools.1.type", ""),
        ("tools.x", ""),
        ("tools", ""),
        ("gone.0", ""),
    ],
)
def test_what_stands_at_a_place_is_named_by_a_type_that_is_known(where: str, kind: str) -> None:
    assert kind_at(BODY, where) == kind


@pytest.mark.parametrize("date", ["", "_20250305", "_2025_03_11"])
def test_types_are_known_whatever_their_date(date: str) -> None:
    assert kind_at({"tools": [{"type": f"web_search{date}"}]}, "tools.0") == " (web_search)"


@pytest.mark.parametrize("kind", sorted({*BUILT_IN, *OPTIONAL, *OTHER_ITEMS}))
def test_what_the_readers_know_by_name_is_kept(kind: str) -> None:
    dateless = kind.removesuffix("_2025_08_26").removesuffix("_2025_03_11")
    assert kept_place({"tools"}, f"tools.3 ({kind})") == f"tools.3 ({dateless})"


def test_tools_of_anthropics_own_are_known_by_name() -> None:
    kinds = [get_args(get_type_hints(one)["type"])[0] for one in get_args(BetaToolUnionParam)]
    types = [one for one in kinds if isinstance(one, str)]
    assert len(types) > 20
    assert [one for one in types if not kind_at({"tools": [{"type": one}]}, "tools.0")] == []


@pytest.mark.parametrize(
    ("where", "left"),
    [
        ("verbosity", "verbosity"),
        ("tools.3.defer_loading", "tools.3.defer_loading"),
        ("tools.3 (web_search_2025_08_26)", "tools.3 (web_search)"),
        ("tools.3 (mine)", "tools.3"),
        ("tools.3 (web_search) and mine", "tools.3"),
        ("tools.3.mine", "tools.3: a field that is not known"),
        ("tools.3.mine.name", "tools.3: a field that is not known"),
        ("tools.3.name: mine", "tools.3: a field that is not known"),
        ("tools.3.name mine", "tools.3.name"),
        ("metadata.4915112345678", "metadata: a field that is not known"),
        ("mine", "a field that is not known"),
        ("", "a field that is not known"),
    ],
)
def test_a_place_is_kept_as_far_as_its_names_are_known(where: str, left: str) -> None:
    assert kept_place({"verbosity", "tools", "metadata"}, where) == left


OWN = st.text("zy.:( )_0", min_size=1, max_size=12)
"""Names of a client's own; no name that is known has a `z` or a `y`."""


@given(st.lists(st.one_of(OWN, st.sampled_from(["tools", "0", "name", "(web_search)"]))))
def test_no_name_of_the_clients_own_is_kept(steps: list[str]) -> None:
    where = ".".join(steps)
    for one in kept(Api.CHAT, [where, f"tools.0.{where}", f"tools.0 ({where})"]):
        assert not set("zy") & set(one)


@pytest.mark.parametrize(
    ("source", "body"),
    [
        (Api.CHAT, {"messages": [{**HI, "name": "Ann"}], "verbosity": "low"}),
        (
            Api.MESSAGES,
            {
                "max_tokens": 9,
                "messages": [HI],
                "tools": [
                    {
                        "name": "f",
                        "input_schema": {"type": "object"},
                        "defer_loading": True,
                        "input_examples": [{}],
                    }
                ],
                "output_config": {"task_budget": {"type": "tokens", "total": 9}},
                "context_management": {"edits": []},
            },
        ),
        (
            Api.RESPONSES,
            {
                "input": "hi",
                "tools": [{"type": "web_search"}],
                "text": {"verbosity": "low"},
                "reasoning": {"context": "all_turns"},
            },
        ),
    ],
)
def test_what_the_hub_tells_the_client_can_be_kept_whole(source: Api, body: Any) -> None:
    said = translator.read(source, body)
    target = Api.MESSAGES if source is not Api.MESSAGES else Api.CHAT
    written = translator.write(source, target, said, body, Aim("m", None, lambda _: Origin.UNKNOWN))
    assert written.warnings
    assert written.kept == written.warnings
