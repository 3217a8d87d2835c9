"""The events of a streamed chat completion (OpenAI API reference, chat streaming)."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tokenhub.simulator.exchange import Exchange
from tokenhub.simulator.frames import DONE, Frame, Json, data_event
from tokenhub.simulator.model.logprobs import token_logprobs
from tokenhub.simulator.model.reply import Reply, ToolCall
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
        role = self._opening(reply)
        started = "tool_calls" in role
        yield self._delta(index, role, 0 if vllm else reply.reasoning_tokens)
        for piece in reply.thinking if vllm else ():
            thought = dict.fromkeys(self.exchange.profile.reasoning_fields, piece)
            yield self._delta(index, thought, 1)
        said = "refusal" if reply.refused and not vllm else "content"
        for piece in reply.words:
            yield self._delta(index, {said: piece}, 1, token=piece)
        for number, call in enumerate(reply.calls):
            if not started:
                yield self._delta(index, {"tool_calls": [self._call_start(number, call)]}, 1)
            for piece in call.arguments:
                yield self._delta(index, {"tool_calls": [_call_part(number, call, piece)]}, 1)
        yield self._delta(index, {"content": ""} if vllm else {}, finish=reply)

    def _opening(self, reply: Reply) -> Json:
        """The first delta; a call that stands alone begins in it."""
        if self.exchange.vllm:
            return {"role": "assistant", "content": ""}
        if reply.refused:
            return {"role": "assistant", "content": None, "refusal": ""}
        if reply.words or not reply.calls:
            return {"role": "assistant", "content": "", "refusal": None}
        opening: Json = {"role": "assistant", "content": None}
        if len(reply.calls) == 1:
            opening["tool_calls"] = [self._call_start(0, reply.calls[0])]
        return opening | {"refusal": None}

    def usage(self, usage: Json) -> Frame:
        """The event with the usage and no choice."""
        event = self._event([]) | {"usage": usage}
        if self.request.obfuscate:
            event["obfuscation"] = ""
        return data_event(event)

    def _call_start(self, number: int, call: ToolCall) -> Json:
        start: Json = {"index": number, "id": call_id(self.exchange)}
        if call.free_text:
            return start | {"type": "custom", "custom": {"name": call.name, "input": ""}}
        return start | {"type": "function", "function": {"name": call.name, "arguments": ""}}

    def _delta(
        self,
        index: int,
        delta: Json,
        tokens: int = 0,
        *,
        token: str | None = None,
        finish: Reply | None = None,
    ) -> Frame:
        logprobs: Json | None = None
        if token is not None and self.request.logprobs is not None:
            entry = token_logprobs([token], self.request.logprobs)
            logprobs = {"content": None, "refusal": None}
            logprobs["refusal" if "refusal" in delta else "content"] = entry
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


def _call_part(number: int, call: ToolCall, piece: str) -> Json:
    if call.free_text:
        return {"index": number, "custom": {"input": piece}}
    return {"index": number, "function": {"arguments": piece}}
