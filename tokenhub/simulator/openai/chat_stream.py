"""The events of a streamed chat completion (OpenAI API reference, chat streaming)."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tokenhub.simulator.exchange import Exchange
from tokenhub.simulator.frames import DONE, Frame, Json, data_event
from tokenhub.simulator.model.brain import Reply, ToolCall
from tokenhub.simulator.model.logprobs import token_logprobs
from tokenhub.simulator.openai.chat_input import ChatRequest
from tokenhub.simulator.openai.parts import FINISH, call_id


def frames(
    exchange: Exchange, request: ChatRequest, replies: Sequence[Reply], head: Json, usage: Json
) -> Iterator[Frame]:
    """The role of each choice, its deltas, its finish reason, usage when asked for, `[DONE]`."""
    writer = _Writer(exchange, request, head)
    for index, reply in enumerate(replies):
        yield from writer.choice(index, reply)
    if request.usage_event:
        yield writer.usage(usage)
    yield DONE


@dataclass(frozen=True, slots=True)
class _Writer:
    exchange: Exchange
    request: ChatRequest
    head: Json

    def choice(self, index: int, reply: Reply) -> Iterator[Frame]:
        """Everything of one choice."""
        vllm = self.exchange.vllm
        role: Json = {"role": "assistant", "content": "" if reply.words or vllm else None}
        if len(reply.calls) == 1 and not reply.words and not vllm:
            role["tool_calls"] = [self._call_start(0, reply.calls[0])]
        if not vllm:
            role["refusal"] = None
        started = "tool_calls" in role
        yield self._delta(index, role, 0 if vllm else reply.reasoning_tokens)
        for piece in reply.thinking if vllm else ():
            yield self._delta(index, {"reasoning_content": piece}, 1)
        for piece in reply.words:
            yield self._delta(index, {"content": piece}, 1, token=piece)
        for number, call in enumerate(reply.calls):
            if not started:
                yield self._delta(index, {"tool_calls": [self._call_start(number, call)]}, 1)
            for piece in call.arguments:
                part = {"index": number, "function": {"arguments": piece}}
                yield self._delta(index, {"tool_calls": [part]}, 1)
        yield self._delta(index, {"content": ""} if vllm else {}, finish=reply)

    def usage(self, usage: Json) -> Frame:
        """The event with the usage and no choice."""
        event = self._event([]) | {"usage": usage}
        if self.request.obfuscate:
            event["obfuscation"] = ""
        return data_event(event)

    def _call_start(self, number: int, call: ToolCall) -> Json:
        return {
            "index": number,
            "id": call_id(self.exchange),
            "type": "function",
            "function": {"name": call.name, "arguments": ""},
        }

    def _delta(
        self,
        index: int,
        delta: Json,
        tokens: int = 0,
        *,
        token: str | None = None,
        finish: Reply | None = None,
    ) -> Frame:
        logprobs = None
        if token is not None and self.request.logprobs is not None:
            logprobs = {"content": token_logprobs([token], self.request.logprobs), "refusal": None}
        choice: Json = {
            "index": index,
            "delta": delta,
            "logprobs": logprobs,
            "finish_reason": None if finish is None else FINISH[finish.finish],
        }
        if self.exchange.vllm and finish is not None:
            choice["stop_reason"] = finish.stop_sequence
        event = self._event([choice])
        if self.request.usage_event and not self.exchange.vllm:
            event["usage"] = None
        if self.request.obfuscate:
            size = max(1, 14 - len(token or ""))
            event["obfuscation"] = self.exchange.ids.alnum("", size)
        return data_event(event, tokens)

    def _event(self, choices: list[Json]) -> Json:
        head = dict(self.head)
        return {
            "id": head.pop("id"),
            "object": "chat.completion.chunk",
            **head,
            "choices": choices,
        }
