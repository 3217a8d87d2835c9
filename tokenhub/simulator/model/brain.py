"""The simulated model: reads a prompt and thinks up a reply. Pure; the same for the same seed."""

import json
import random
import re
from dataclasses import replace

from tokenhub.simulator.model import text
from tokenhub.simulator.model.json_schema import instance
from tokenhub.simulator.model.prompt import Prompt, Tool
from tokenhub.simulator.model.reply import CALL_TOKENS, Finish, Reply, ToolCall
from tokenhub.simulator.model.tokens import pieces
from tokenhub.simulator.profile import Profile


def think(prompt: Prompt, profile: Profile, model: str, seed: int, choice: int = 0) -> Reply:
    """The reply of `model` to `prompt`; `choice` tells several replies to one prompt apart."""
    rng = random.Random(  # noqa: S311 -- made to repeat itself
        f"{seed}/{model}/{prompt.turns}/{len(prompt.text)}/{prompt.text[-2000:]}/{choice}"
    )
    thinking = text.thoughts(rng, prompt.reasoning_words) if prompt.reasoning_words else ""
    if profile.refusal is not None:
        reply = _cut(prompt, tuple(pieces(thinking)), profile.refusal, [])
        return replace(reply, finish=Finish.REFUSED) if reply.finish is Finish.STOP else reply
    calls = _chosen_calls(prompt)
    if calls:
        said = "I'll look that up." if prompt.preamble else ""
    elif prompt.schema is not None:
        said = json.dumps(instance(prompt.schema or _ANY_OBJECT, rng), ensure_ascii=False)
    else:
        said = _said(prompt, profile, rng)
    made = [] if profile.stop is not None else [_call(tool, rng) for tool in calls]
    reply = _cut(prompt, tuple(pieces(thinking)), said, made)
    return reply if profile.stop is None else _ended(reply, profile.stop)


def _call(tool: Tool, rng: random.Random) -> ToolCall:
    if tool.free_text:
        return ToolCall(tool.name, tuple(pieces(text.prose(rng, 6))), free_text=True)
    return ToolCall(tool.name, tuple(pieces(json.dumps(instance(tool.parameters, rng)))))


def _ended(reply: Reply, finish: Finish) -> Reply:
    """`reply` with another end; all but a pause come in the middle of the words."""
    words = reply.words
    if finish is not Finish.PAUSED:
        words = words[: (len(words) + 1) // 2]
    return replace(reply, words=words, calls=(), finish=finish, stop_sequence=None)


_ANY_OBJECT = {
    "type": "object",
    "properties": {"answer": {"type": "string"}, "confidence": {"type": "integer", "maximum": 100}},
    "required": ["answer", "confidence"],
}


def _said(prompt: Prompt, profile: Profile, rng: random.Random) -> str:
    if profile.answer is not None:
        return profile.answer
    if profile.output_tokens is None:
        return text.prose(rng, min(rng.randint(20, 60), prompt.max_tokens + 12))
    wanted = max(1, min(profile.output_tokens, prompt.max_tokens + 1))
    return "".join(pieces(text.prose(rng, wanted))[:wanted])


def _chosen_calls(prompt: Prompt) -> list[Tool]:
    """The tools to call: each one that the user's text names, or the one asked for."""
    if prompt.choice == "none" or not prompt.tools:
        return []
    by_name = {tool.name: tool for tool in prompt.tools}
    if prompt.only_tool is not None:
        by_name = {name: tool for name, tool in by_name.items() if name == prompt.only_tool}
    if prompt.answering_tools and prompt.choice == "auto":
        return []
    names = "|".join(re.escape(name) for name in sorted(by_name, key=len, reverse=True))
    found = re.findall(rf"(?<![\w-])({names})(?![\w-])", prompt.text) if names else []
    if not found and prompt.choice == "any":
        found = list(by_name)[:1]
    return [by_name[name] for name in (found if prompt.parallel else found[:1])]


def _cut(prompt: Prompt, thinking: tuple[str, ...], said: str, calls: list[ToolCall]) -> Reply:
    """End the reply at a stop sequence or where the tokens run out."""
    finish, ended_by = (Finish.TOOLS if calls else Finish.STOP), None
    places = [(said.index(stop), stop) for stop in prompt.stops if stop and stop in said]
    if places:
        place, ended_by = min(places)
        said, calls, finish = said[:place], [], Finish.STOP_SEQUENCE
    left = prompt.max_tokens
    kept_thinking = thinking[:left]
    left -= len(kept_thinking)
    words = tuple(pieces(said))
    kept_words = words[:left]
    left -= len(kept_words)
    kept_calls = []
    for call in calls:
        if left <= CALL_TOKENS:
            break
        kept_calls.append(replace(call, arguments=call.arguments[: left - CALL_TOKENS]))
        left -= CALL_TOKENS + len(kept_calls[-1].arguments)
    whole = (
        len(kept_thinking) == len(thinking)
        and len(kept_words) == len(words)
        and kept_calls == calls
    )
    if not whole:
        finish, ended_by = Finish.LENGTH, None
    return Reply(kept_thinking, kept_words, tuple(kept_calls), finish, ended_by)
