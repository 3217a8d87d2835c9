"""Decides which calls fail, and how a failing answer looks."""

import random
from dataclasses import replace

from tokenhub.simulator.errors import error_answer, error_for_status, failed_response
from tokenhub.simulator.frames import Answer, indented
from tokenhub.simulator.profile import Failure, FailureKind, Profile
from tokenhub.types import ProviderType

GARBAGE = (
    "<!DOCTYPE html>\n<html><head><title>Welcome</title></head>"
    "<body><h1>It works!</h1></body></html>\n"
)
"""What a forgotten web server answers where a provider should be."""


class Faults:
    """Holds the profile and counts the failures that are left of it."""

    def __init__(self, profile: Profile) -> None:
        self.profile = profile
        self._left = profile.fail_next

    def failure_for(self, method: str, rng: random.Random) -> Failure | None:
        """The failure that befalls this call, if any. Counts it."""
        profile = self.profile
        if profile.failure is None:
            return None
        if method != "POST":
            return profile.failure if profile.outage else None
        if self._left is not None:
            self._left -= 1
            return profile.failure if self._left >= 0 else None
        return profile.failure if rng.random() < profile.fail_rate else None


def befallen(
    answer: Answer, failure: Failure | None, kind: ProviderType, request_id: str
) -> tuple[Answer, Failure | None]:
    """The answer that is sent, and the failure that is left to befall its delivery."""
    if failure is None:
        return answer, None
    if failure.kind is FailureKind.GARBAGE:
        body = GARBAGE if failure.body is None else failure.body
        return Answer(body=body.encode(), content_type="text/html"), None
    error = error_for_status(kind, failure.status, failure.code)
    in_a_stream = failure.kind in (FailureKind.ERROR_EVENT, FailureKind.FAILED_RESPONSE)
    no_stream = in_a_stream and answer.frames is None
    if no_stream and failure.kind is FailureKind.FAILED_RESPONSE and answer.failing is not None:
        return replace(answer, body=indented(failed_response(kind, answer.failing, error))), None
    if failure.kind is not FailureKind.ANSWER and not no_stream:
        return answer, failure
    failed = error_answer(kind, error, request_id)
    headers = dict(failure.headers)
    if failure.retry_after is not None:
        headers["retry-after"] = failure.retry_after
    content_type = headers.pop("content-type", failed.content_type)
    content = failed.body if failure.body is None else failure.body.encode()
    return Answer(failure.status, content, content_type=content_type, headers=headers), None
