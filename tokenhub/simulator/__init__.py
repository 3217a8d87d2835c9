"""Simulated providers: real HTTP servers on loopback that speak OpenAI, Anthropic and vLLM.

The demo, the tests, the benchmarks and the screenshots stand on them. An answer depends on the
request and the seed only, as that of a model at temperature 0 would; how it is delivered (latency,
failures) is a `Profile` that may be switched while the server runs.

    simulator = Simulator("openai", Profile(ttft_ms=200, tokens_per_s=50), seed=7)
    base_url = await simulator.start()          # OpenAI clients add `/v1`
    simulator.set(Profile(failure=Failure.answer(429, retry_after="3"), fail_next=2))
    call = await simulator.wait_for_call()      # what came: path, headers, raw body, aborted
    await simulator.close()

The road of a request: `server` records it, `gate` checks its key, the module of its API (in
`openai` or `anthropic`) checks the rest as the real service does and reads it into a
`model.prompt`, `model.brain` thinks up a reply, the API's module (with a `…_stream` twin) writes it
down, `faults` puts another answer in its place, `delivery` sends it at the profile's speed or
fails to.

Nothing of the product but its types may come in: our own framing must not hide its bugs from
itself. The parsers of the official SDKs are the judges.
"""

from tokenhub.simulator.calls import Call
from tokenhub.simulator.profile import Failure, FailureKind, Profile
from tokenhub.simulator.server import Simulator

__all__ = ["Call", "Failure", "FailureKind", "Profile", "Simulator"]
