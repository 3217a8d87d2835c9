"""The simulated provider: an HTTP server, its record of calls, and its switches."""

import asyncio
import random
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Self

from aiohttp import web

from tokenhub.simulator import control
from tokenhub.simulator.calls import Call, CallLog
from tokenhub.simulator.delivery import Delivery, Sleep
from tokenhub.simulator.errors import (
    ApiError,
    error_answer,
    error_for_status,
    error_frames,
    failed_frames,
)
from tokenhub.simulator.exchange import Exchange
from tokenhub.simulator.faults import Faults, befallen
from tokenhub.simulator.frames import Answer, Frame
from tokenhub.simulator.gate import check_key, parse_body
from tokenhub.simulator.headers import service_headers
from tokenhub.simulator.ids import Ids
from tokenhub.simulator.model.catalogue import catalogue
from tokenhub.simulator.model.prompt_cache import PromptCache
from tokenhub.simulator.profile import Failure, FailureKind, Profile
from tokenhub.simulator.routes import route
from tokenhub.types import ProviderType

MAX_BODY_BYTES = 64 * 1024 * 1024
SHUTDOWN_S = 0.1
"""Seconds that calls under way get on `close`: a provider that dies does not wait."""


class Simulator:
    """A simulated provider on loopback.

    `kind` is `openai`, `anthropic` or `vllm`; `models` replaces its usual models; with an
    `api_key` any other one is refused. The same `seed` and the same calls in the same order give
    the same answers. `monotonic` ages prompt caches and times calls, `now` dates answers, both in
    seconds; `sleep` waits for what the profile says.
    """

    def __init__(  # noqa: PLR0913 -- all but the kind are options with a default
        self,
        kind: ProviderType | str,
        profile: Profile | None = None,
        seed: int = 0,
        *,
        models: Iterable[str] | None = None,
        api_key: str | None = None,
        now: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self.kind = ProviderType(kind)
        self.models = catalogue(self.kind, models)
        self._faults = Faults(profile or Profile())
        self._seed = seed
        self._api_key = api_key
        self._now = now
        self._monotonic = monotonic
        self._sleep = sleep
        self._cache = PromptCache(monotonic)
        self._log = CallLog()
        self._number = 0
        self._runner: web.AppRunner | None = None
        self._port = 0

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def start(self, port: int = 0) -> str:
        """Listen on loopback, on a free port for 0, and return `base_url`; OSError when taken."""
        server = web.Application(client_max_size=MAX_BODY_BYTES)
        server.router.add_route("*", "/{path:.*}", self._handle)
        self._runner = web.AppRunner(
            server, access_log=None, handler_cancellation=True, shutdown_timeout=SHUTDOWN_S
        )
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", port, backlog=1024)
        await site.start()
        self._port = self._runner.addresses[0][1]
        return self.base_url

    async def close(self) -> None:
        """Stop listening and drop what is under way; a second call does nothing."""
        if self._runner is not None:
            runner, self._runner = self._runner, None
            await runner.cleanup()

    @property
    def base_url(self) -> str:
        """`http://127.0.0.1:<port>`, without a version path; known after `start`."""
        return f"http://127.0.0.1:{self._port}"

    @property
    def profile(self) -> Profile:
        """The profile in force."""
        return self._faults.profile

    def set(self, profile: Profile) -> None:
        """Switch to `profile` for all calls that come from now on."""
        self._faults = Faults(profile)

    def fail(self, failure: Failure, *, times: int | None = None) -> None:
        """Let the next `times` calls fail, or all from now on."""
        self.set(replace(self.profile, failure=failure, fail_rate=1.0, fail_next=times))

    @property
    def calls(self) -> list[Call]:
        """The calls received, oldest first; the last 10,000 and at most 128 MiB of bodies."""
        return self._log.all

    def clear_calls(self) -> None:
        """Forget the calls received."""
        self._log.clear()

    async def wait_for_call(
        self, wanted: Callable[[Call], bool] = lambda _: True, *, timeout_s: float = 5.0
    ) -> Call:
        """The first call that is `wanted`, waiting for it; TimeoutError after `timeout_s`."""
        return await self._log.wait_for(wanted, timeout_s)

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        if request.path.startswith(control.PREFIX):
            return await control.answer(self, request)
        call = self._record(request, await request.read())
        await self._log.add(call)
        try:
            return await self._deliver(request, call)
        finally:
            call.end(self._monotonic())

    def _record(self, request: web.Request, body: bytes) -> Call:
        self._number += 1
        return Call(
            number=self._number,
            method=request.method,
            path=request.path,
            query=request.query_string,
            headers=tuple(
                (k.decode("latin-1"), v.decode("latin-1")) for k, v in request.raw_headers
            ),
            body=body,
            started_s=self._monotonic(),
        )

    async def _deliver(self, request: web.Request, call: Call) -> web.StreamResponse:
        rng = random.Random(f"{self.kind}/{self._seed}/{call.number}")  # noqa: S311 -- made to repeat itself
        ids = Ids(rng)
        request_id = (
            ids.base58("req_011C", 20)
            if self.kind is ProviderType.ANTHROPIC
            else ids.hex("req_", 32)
        )
        failure = self._faults.failure_for(call.method, rng)
        call.failed = failure is not None
        answer, left = befallen(
            self._answer(call, request, ids, rng, request_id), failure, self.kind, request_id
        )
        answer.headers.update(
            service_headers(self.kind, request_id, self._now(), rng, limits=call.method == "POST")
        )
        delivery = Delivery(
            request=request,
            call=call,
            profile=self.profile,
            failure=left,
            ending=lambda: self._ending(call, left, answer, request_id),
            rng=random.Random(f"{self._seed}/{call.number}/pace"),  # noqa: S311 -- as above
            sleep=self._sleep,
        )
        return await delivery.send(answer)

    def _ending(
        self, call: Call, failure: Failure | None, answer: Answer, request_id: str
    ) -> tuple[Frame, ...]:
        """The last events of a stream that `failure` ends."""
        if failure is None:
            return ()
        error = error_for_status(self.kind, failure.status, failure.code)
        if failure.kind is FailureKind.ERROR_EVENT or answer.failing is None:
            return error_frames(self.kind, call, error, request_id)
        return failed_frames(self.kind, call, error, answer.failing, announced=failure.announced)

    def _answer(
        self, call: Call, request: web.Request, ids: Ids, rng: random.Random, request_id: str
    ) -> Answer:
        try:
            work, name = route(self.kind, call.method, call.path)
            headers = {key.lower(): value for key, value in call.headers}
            check_key(self.kind, headers, call.path, self._api_key)
            exchange = Exchange(
                kind=self.kind,
                body=parse_body(self.kind, call.body, self.profile)
                if call.method == "POST"
                else {},
                headers=headers,
                query=request.query,
                name=name,
                profile=self.profile,
                models=self.models,
                cache=self._cache,
                ids=ids,
                rng=rng,
                seed=self._seed,
                now_s=int(self._now()),
            )
            return work(exchange)
        except ApiError as error:
            return error_answer(self.kind, error, request_id)
