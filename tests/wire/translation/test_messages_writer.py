from tests.wire.translation.messages_told import SETTING, events, shown, writer
from tokenhub.types import Usage
from tokenhub.wire.translation.messages_writer import MessagesWriter
from tokenhub.wire.translation.reply import Stop
from tokenhub.wire.translation.seals import own_seal


def test_the_message_starts_before_any_content() -> None:
    begun = MessagesWriter(SETTING)

    begun.begin("gpt-5", None)

    assert events(begun) == [
        {
            "type": "message_start",
            "message": {
                "id": "msg_r1",
                "type": "message",
                "role": "assistant",
                "model": "gpt-5",
                "content": [],
                "stop_reason": None,
                "stop_sequence": None,
                "stop_details": None,
                "usage": {
                    "input_tokens": 12,
                    "cache_creation_input_tokens": 0,
                    "cache_read_input_tokens": 0,
                    "cache_creation": {
                        "ephemeral_5m_input_tokens": 0,
                        "ephemeral_1h_input_tokens": 0,
                    },
                    "output_tokens": 0,
                },
            },
        }
    ]


def test_the_start_tells_the_usage_that_is_known() -> None:
    begun = MessagesWriter(SETTING)

    begun.begin("", Usage(30, cached_input_tokens=10))

    message = events(begun)[0]["message"]
    assert message["model"] == "asked-for"
    assert message["usage"]["input_tokens"] == 20
    assert message["usage"]["cache_read_input_tokens"] == 10


def test_text_goes_out_at_once() -> None:
    out = writer()
    out.text("Hel")

    assert out.take() == [
        b"event: content_block_start\n"
        b'data: {"type":"content_block_start","index":0,'
        b'"content_block":{"type":"text","text":""}}\n\n',
        b"event: content_block_delta\n"
        b'data: {"type":"content_block_delta","index":0,'
        b'"delta":{"type":"text_delta","text":"Hel"}}\n\n',
    ]

    out.text("")
    out.text('l"o')

    assert shown(out) == [(0, 'l"o')]


def test_the_end_closes_the_block_and_tells_reason_and_usage() -> None:
    out = writer()
    out.text("Hello")
    out.stop(Stop.SEQUENCE, "END")
    out.usage(Usage(20, 5, 3, 2, output_tokens=9, reasoning_tokens=4))
    out.end()

    assert events(out)[2:] == [
        {"type": "content_block_stop", "index": 0},
        {
            "type": "message_delta",
            "delta": {"stop_reason": "stop_sequence", "stop_sequence": "END", "stop_details": None},
            "usage": {
                "input_tokens": 10,
                "cache_creation_input_tokens": 5,
                "cache_read_input_tokens": 5,
                "output_tokens": 9,
                "output_tokens_details": {"thinking_tokens": 4},
            },
        },
        {"type": "message_stop"},
    ]


def test_without_a_report_the_tokens_are_estimated() -> None:
    out = writer()
    out.text("Hello")
    out.thinking("now")
    out.end()

    assert events(out)[-2]["usage"]["output_tokens"] == 2


def test_an_empty_answer_has_no_blocks() -> None:
    out = writer()
    out.stop(Stop.END, None)
    out.end()

    assert shown(out) == ["message_delta", "message_stop"]


def test_thinking_ends_with_its_seal() -> None:
    out = writer()
    out.thinking("h")
    out.thinking("m")
    out.seal("s")
    out.text("a")

    assert shown(out) == ["thinking", (0, "h"), (0, "m"), (0, "s"), 0, "text", (1, "a")]


def test_thinking_without_a_seal_gets_one_of_ours() -> None:
    out = writer()
    out.thinking("h")
    out.thinking("")
    out.thinking("m")
    out.text("a")

    assert shown(out)[3:] == [(0, own_seal("hm")), 0, "text", (1, "a")]


def test_thinking_at_the_very_end_is_sealed_too() -> None:
    out = writer()
    out.thinking("hm")
    out.stop(Stop.LENGTH, None)

    assert shown(out)[2:] == [(0, own_seal("hm")), 0]


def test_a_seal_alone_is_thinking_that_is_not_shown() -> None:
    out = writer()
    out.thinking("hm")
    out.seal("s")
    out.seal("s2")

    assert shown(out)[4:] == ["thinking", (1, "s2"), 1]


def test_redacted_thinking_is_a_block_of_its_own() -> None:
    out = writer()
    out.thinking("hm")
    out.seal("d", redacted=True)
    out.text("a")

    assert shown(out)[2:] == [(0, own_seal("hm")), 0, "redacted_thinking", 1, "text", (2, "a")]


def test_a_refusal_is_text_and_the_reason_for_the_end() -> None:
    out = writer()
    out.refusal("No.")
    out.stop(Stop.END, None)
    out.end()

    written = events(out)
    assert written[1]["delta"]["text"] == "No."
    assert written[3]["delta"]["stop_reason"] == "refusal"


def test_an_error_ends_the_stream_and_nothing_follows() -> None:
    out = writer()
    out.text("a")
    out.take()
    out.failed("upstream_failed", "the provider hung up", 529)
    out.failed("upstream_failed", "again", 502)
    out.end()

    assert events(out) == [
        {
            "type": "error",
            "error": {"type": "overloaded_error", "message": "the provider hung up"},
            "request_id": "r1",
        }
    ]


def test_the_end_comes_once() -> None:
    out = writer()
    out.end()
    out.take()
    out.end()

    assert out.take() == []
