"""Simulated providers: real HTTP servers on loopback that speak OpenAI, Anthropic and vLLM.

The demo, the tests, the benchmarks and the screenshots stand on them. An answer depends on the
request and the seed only, as that of a model at temperature 0 would; how it is delivered (latency,
failures) is a `Profile` that may be switched while the server runs.

    simulator = Simulator("openai", Profile(ttft_ms=200, tokens_per_s=50), seed=7)
    base_url = await simulator.start()          # OpenAI clients add `/v1`
    simulator.set(Profile(failure=Failure.answer(429, retry_after="3"), fail_next=2))
    call = await simulator.wait_for_call()      # what came: path, headers, raw body, aborted
    await simulator.close()

How to ask for a kind of answer (each as a whole and as a stream):

text                the usual; its words by `Profile(answer=…)`, its length by `output_tokens`
tool calls          the user's text names the tools given, each time for a call; `tool_choice`; no
                    call while results come in. Custom tools (chat, responses) get free text
thinking            Anthropic: `thinking` (redacted: the text `anthropic.messages_input.REDACT`);
                    OpenAI: a name like `o3` or `gpt-5`, shown by responses' `reasoning.summary` and
                    `include: ["reasoning.encrypted_content"]`; vLLM: a name like `Qwen/Qwen3-8B`,
                    shown under the names in `Profile(reasoning_fields=("reasoning",))`
structured output   `response_format`, `text.format`, `output_config.format`
cache use           the same prompt of 1,024 tokens or more twice; Anthropic: `cache_control`
empty answer        `Profile(answer="")`
refusal             `Profile(refusal="I can't help with that.")`: chat's `refusal`, a part of a
                    response, Anthropic's stop reason (also by `anthropic.messages_input.REFUSE`);
                    vLLM says it as text
length              `max_tokens` and its like, or `Profile(stop=Finish.LENGTH)`
stop sequence       `stop`, `stop_sequences`
content filter      `Profile(stop=Finish.FILTERED)`: an answer cut by a filter
pause, full window  `Profile(stop=Finish.PAUSED)`, `Profile(stop=Finish.WINDOW)`; the APIs without
                    such a reason stop as usual, or for length
an error            `Failure.answer(status)`, or a request that the service refuses
an error midway     `Failure.error_event(after_events, status=…)`; in responses also
                    `Failure.failed_response(after_events, announced=…)`
bad delivery        `Failure.hang`, `.reset`, `.cut`, `.garbage`, `.slow_drip`

Requests are checked as strictly as by the service itself, Claude models each by their generation
(`anthropic.abilities`), fields of a beta by its header; vLLM takes what its server takes. State is
kept by none: a `previous_response_id` is unknown, an Anthropic `thread` not supported.

The road of a request: `server` records it, `gate` checks its key, the module of its API (in
`openai` or `anthropic`) checks the rest as the real service does and reads it into a
`model.prompt`, `model.brain` thinks up a reply, the API's module (with a `…_stream` twin) writes it
down, `faults` puts another answer in its place, `delivery` sends it at the profile's speed or
fails to.

Nothing of the product but its types may come in: our own framing must not hide its bugs from
itself. The parsers of the official SDKs are the judges.
"""

from tokenhub.simulator.calls import Call
from tokenhub.simulator.model.reply import Finish
from tokenhub.simulator.profile import Failure, FailureKind, Profile
from tokenhub.simulator.server import Simulator

__all__ = ["Call", "Failure", "FailureKind", "Finish", "Profile", "Simulator"]
