import hashlib
import re
from dataclasses import replace

import pytest

from tokenhub.admission.keys import KeyRing, new_token
from tokenhub.errors import RequestError
from tokenhub.types import ApiKey

NOW_MS = 1_800_000_000_000


def a_key(key_id: str = "k1", *, value: str = "tokenhub_one") -> ApiKey:
    return ApiKey(
        key_id, "editor", hashlib.sha256(value.encode()).digest(), prefix="tokenhub_12345678"
    )


def refusal(ring: KeyRing, token: str | None) -> RequestError:
    with pytest.raises(RequestError) as caught:
        ring.authenticate(token, NOW_MS)
    assert caught.value.status == 401
    return caught.value


def test_a_new_token_has_64_hex_digits_its_hash_and_a_recognisable_start() -> None:
    token, key_hash, prefix = new_token()
    assert re.fullmatch(r"tokenhub_[0-9a-f]{64}", token)
    assert key_hash == hashlib.sha256(token.encode()).digest()
    assert token.startswith(prefix)
    assert len(prefix) == len("tokenhub_") + 8


def test_new_tokens_differ() -> None:
    assert new_token().token != new_token().token


def test_a_new_token_is_not_in_its_repr() -> None:
    new = new_token()
    assert new.token not in repr(new)
    assert new.prefix in repr(new)


def test_a_known_token_gives_its_key() -> None:
    key = a_key()
    assert KeyRing([key]).authenticate("tokenhub_one", NOW_MS) is key


@pytest.mark.parametrize("token", [None, ""])
def test_a_missing_token_is_told_the_forms_that_are_accepted(token: str | None) -> None:
    error = refusal(KeyRing([a_key()]), token)
    assert error.code == "missing_api_key"
    for form in ("Authorization: Bearer", "x-api-key", "X-TokenHub-Key"):
        assert form in error.message


@pytest.mark.parametrize("token", ["tokenhub_two", "sk-other", "\udcff\ud800", "x" * 10_000])
def test_an_unknown_token_is_refused_without_being_repeated(token: str) -> None:
    error = refusal(KeyRing([a_key()]), token)
    assert error.code == "invalid_api_key"
    assert token not in error.message


def test_a_disabled_key_is_refused() -> None:
    assert refusal(KeyRing([replace(a_key(), enabled=False)]), "tokenhub_one").code == (
        "disabled_api_key"
    )


def test_a_key_is_refused_from_the_moment_it_expires() -> None:
    ring = KeyRing([replace(a_key(), expires_at_ms=NOW_MS)])
    assert ring.authenticate("tokenhub_one", NOW_MS - 1).id == "k1"
    assert refusal(ring, "tokenhub_one").code == "expired_api_key"


def test_a_revoked_key_is_unknown_at_once() -> None:
    ring = KeyRing([a_key()])
    ring.remove("k1")
    assert refusal(ring, "tokenhub_one").code == "invalid_api_key"
    assert ring.get("k1") is None


def test_revoking_an_unknown_key_does_nothing() -> None:
    ring = KeyRing([a_key()])
    ring.remove("k2")
    assert ring.all() == (a_key(),)


def test_a_rotated_key_works_by_its_new_token_only() -> None:
    ring = KeyRing([a_key()])
    ring.put(a_key(value="tokenhub_new"))
    assert ring.authenticate("tokenhub_new", NOW_MS).id == "k1"
    refusal(ring, "tokenhub_one")


def test_an_edited_key_is_in_force_at_once() -> None:
    ring = KeyRing([a_key()])
    ring.put(replace(a_key(), name="notebook"))
    assert ring.authenticate("tokenhub_one", NOW_MS).name == "notebook"
    assert len(ring.all()) == 1


def test_replacing_leaves_only_the_new_keys() -> None:
    ring = KeyRing([a_key()])
    ring.replace([a_key("k2", value="tokenhub_two")])
    refusal(ring, "tokenhub_one")
    assert ring.authenticate("tokenhub_two", NOW_MS).id == "k2"
    assert ring.get("k2") is not None
