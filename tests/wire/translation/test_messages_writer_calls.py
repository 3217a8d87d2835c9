from tests.wire.translation.messages_told import events, shown, writer
from tokenhub.wire.translation.reply import Stop
from tokenhub.wire.translation.seals import own_seal


def test_a_call_follows_the_text_and_its_parts_go_out_at_once() -> None:
    out = writer()
    out.text("a")
    out.tool(0, "call_1", "f")
    out.arguments(0, '{"a"')
    out.arguments(0, "")
    out.arguments(0, ":1}")

    assert shown(out)[2:] == [0, "tool_use", (1, '{"a"'), (1, ":1}")]

    out.stop(Stop.TOOLS, None)

    assert shown(out) == [1]


def test_a_call_is_written_with_an_id_that_anthropic_takes() -> None:
    out = writer()
    out.tool(0, "functions.f:0", "f")
    out.tool(0, "functions.f:0", "f")
    out.tool_end(0)
    out.tool(1, "", "g")

    first, second = (
        event["content_block"] for event in events(out) if event["type"] == "content_block_start"
    )
    assert first["id"].startswith("toolu_")
    assert first == {**first, "name": "f", "input": {}}
    assert second["id"] == "toolu_r1_1"


def test_calls_that_come_one_after_the_other_do_not_wait() -> None:
    out = writer()
    out.tool(0, "c0", "f")
    out.arguments(0, '{"a":1}')
    out.tool(1, "c1", "g")
    out.arguments(1, "{}")

    assert shown(out) == ["tool_use", (0, '{"a":1}'), 0, "tool_use", (1, "{}")]


def test_the_parts_of_calls_that_interleave_wait_for_the_open_one() -> None:
    out = writer()
    out.tool(0, "c0", "f")
    out.tool(1, "c1", "g")
    out.arguments(0, '{"a":')
    out.arguments(1, '{"b"')
    out.arguments(0, "{}}")
    out.arguments(1, ":2}")
    out.tool(2, "c2", "h")

    assert shown(out) == [
        "tool_use",
        (0, '{"a":'),
        (0, "{}}"),
        0,
        "tool_use",
        (1, '{"b"'),
        (1, ":2}"),
        1,
        "tool_use",
    ]


def test_a_brace_that_is_not_the_last_one_ends_no_call() -> None:
    out = writer()
    out.tool(0, "c0", "f")
    out.tool(1, "c1", "g")
    out.arguments(0, '{"a":{}')
    out.arguments(1, '{"b":')
    out.arguments(1, "2}")

    assert shown(out) == ["tool_use", (0, '{"a":{}')]

    out.tool_end(0)

    assert shown(out) == [0, "tool_use", (1, '{"b":'), (1, "2}")]


def test_text_waits_for_a_call_that_is_not_complete() -> None:
    out = writer()
    out.tool(0, "c0", "f")
    out.text("a")
    out.arguments(0, '{"a":1')
    out.text("b")
    out.arguments(0, "}")

    assert shown(out) == ["tool_use", (0, '{"a":1'), (0, "}")]

    out.text("c")

    assert shown(out) == [0, "text", (1, "a"), (1, "b"), (1, "c")]


def test_thinking_that_waits_is_sealed_all_the_same() -> None:
    out = writer()
    out.tool(0, "c0", "f")
    out.thinking("hm")
    out.end()

    assert shown(out)[:5] == ["tool_use", 0, "thinking", (1, "hm"), (1, own_seal("hm"))]


def test_what_follows_complete_arguments_is_left_out() -> None:
    out = writer()
    out.tool(0, "c0", "f")
    out.arguments(0, "{}")
    out.tool_end(0)
    out.arguments(0, "{}")
    out.arguments(7, "{}")
    out.tool_end(7)

    assert shown(out) == ["tool_use", (0, "{}"), 0]


def test_calls_end_a_message_whatever_the_provider_calls_it() -> None:
    out = writer()
    out.tool(0, "c0", "f")
    out.stop(Stop.END, None)
    out.end()

    assert events(out)[-2]["delta"]["stop_reason"] == "tool_use"
