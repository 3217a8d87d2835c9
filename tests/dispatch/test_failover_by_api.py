"""Who turned out to lack an API is asked by another one that it has."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.dispatch.fakes import target
from tests.dispatch.test_failover import WELL, A, B, Walk, ends, no_other
from tokenhub.dispatch.target import Target
from tokenhub.errors import AllFailed, UpstreamError
from tokenhub.types import Api, ErrorClass


def by(api: Api) -> Callable[[Target], Target]:
    """What asks any target by `api`."""
    return lambda where: replace(where, api=api)


LACKS = ends(ErrorClass.UNSUPPORTED)


async def test_who_lacks_the_api_is_asked_by_another_one_that_it_has() -> None:
    walk = Walk({"a": [LACKS, WELL]})
    assert await walk.run([A, B], otherwise=by(Api.RESPONSES)) == "a"
    assert list(zip(walk.calls, walk.apis, strict=True)) == [
        ("a", Api.CHAT),
        ("a", Api.RESPONSES),
    ]


async def test_who_has_no_other_api_is_passed_over() -> None:
    walk = Walk({"a": [LACKS]})
    assert await walk.run([A, B], otherwise=no_other) == "b"
    assert walk.calls == ["a", "b"]


async def test_nobody_is_asked_again_by_the_api_that_it_lacks() -> None:
    walk = Walk({"a": [LACKS]})
    assert await walk.run([A, B], otherwise=by(Api.CHAT)) == "b"
    assert walk.calls == ["a", "b"]


async def test_who_lacks_the_other_api_too_is_passed_over() -> None:
    apis = {Api.CHAT: Api.RESPONSES, Api.RESPONSES: Api.MESSAGES}
    walk = Walk({"a": [LACKS]})

    def otherwise(where: Target) -> Target | None:
        return replace(where, api=apis[where.api]) if where.api in apis else None

    assert await walk.run([A, B], otherwise=otherwise) == "b"
    assert walk.apis == [Api.CHAT, Api.RESPONSES, Api.MESSAGES, Api.CHAT]


@pytest.mark.parametrize("error_class", sorted(set(ErrorClass) - {ErrorClass.UNSUPPORTED}))
async def test_no_other_failure_is_one_of_the_api(error_class: ErrorClass) -> None:
    walk = Walk({"a": [ends(error_class)]})
    with pytest.raises((AllFailed, UpstreamError)):
        await walk.run([A], otherwise=by(Api.MESSAGES))
    assert set(walk.apis) == {Api.CHAT}


async def test_the_last_one_may_be_asked_by_another_api_within_the_deadline() -> None:
    walk = Walk({"a": [LACKS, (3.9, None)]})
    assert await walk.run([A], deadline_s=8.0, otherwise=by(Api.MESSAGES)) == "a"


A2, A3 = target("a2", "p"), replace(target("a3", "p"), api=Api.MESSAGES)


@pytest.mark.parametrize("status", [404, 405])
async def test_what_a_provider_lacks_is_asked_of_none_of_its_models(status: int) -> None:
    walk = Walk({"a": [LACKS, ends(ErrorClass.CONTEXT_OVERFLOW)]}, status=status)
    assert await walk.run([A, A2, B], otherwise=by(Api.RESPONSES)) == "a2"
    assert list(zip(walk.calls, walk.apis, strict=True)) == [
        ("a", Api.CHAT),
        ("a", Api.RESPONSES),
        ("a2", Api.RESPONSES),
    ]


async def test_its_models_are_passed_over_where_it_has_no_other_api() -> None:
    walk = Walk({"a": [LACKS]}, status=404)
    assert await walk.run([A, A2, A3, B]) == "a3"
    assert walk.calls == ["a", "a3"]


async def test_what_is_not_for_one_model_may_be_for_the_others() -> None:
    walk = Walk({"a": [LACKS]}, status=403)
    assert await walk.run([A, A2]) == "a2"
    assert walk.apis == [Api.CHAT, Api.CHAT]
