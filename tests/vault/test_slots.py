from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.vault.support import CHEAP, PASSWORD
from tokenhub.errors import VaultError, WrongPassword
from tokenhub.vault import slots
from tokenhub.vault.slots import DEFAULT_COST, Argon2Cost, PasswordSlot

DATA_KEY = bytearray(range(32))
SLOT = slots.wrap(DATA_KEY, PASSWORD, "vault", 1, CHEAP)


def test_the_password_gives_the_data_key_back() -> None:
    assert slots.unwrap(SLOT, PASSWORD, "vault", 1) == DATA_KEY


def test_the_real_cost_is_64_mib_three_rounds_four_lanes_and_16_bytes_of_salt() -> None:
    slot = slots.wrap(DATA_KEY, PASSWORD, "vault", 1, DEFAULT_COST)
    spec = slot.spec()
    assert (spec["memory_kib"], spec["iterations"], spec["lanes"]) == (65536, 3, 4)
    assert len(bytes.fromhex(spec["salt"])) == 16
    assert slots.unwrap(PasswordSlot.from_spec(spec), PASSWORD, "vault", 1) == DATA_KEY


def test_a_wrong_password_is_refused_without_naming_it() -> None:
    with pytest.raises(WrongPassword) as refusal:
        slots.unwrap(SLOT, "hunter2hunter2", "vault", 1)
    assert "hunter2" not in str(refusal.value)


@pytest.mark.parametrize(("vault_id", "key_version"), [("other", 1), ("vault", 2)])
def test_a_slot_of_another_vault_or_version_is_refused(vault_id: str, key_version: int) -> None:
    with pytest.raises(WrongPassword):
        slots.unwrap(SLOT, PASSWORD, vault_id, key_version)


def test_the_same_password_in_another_unicode_form_opens() -> None:
    slot = slots.wrap(DATA_KEY, "caf\u00e9 cr\u00e8me", "vault", 1, CHEAP)
    assert slots.unwrap(slot, "cafe\u0301 cre\u0300me", "vault", 1) == DATA_KEY


def test_a_password_that_is_no_valid_unicode_is_only_wrong() -> None:
    with pytest.raises(WrongPassword):
        slots.unwrap(SLOT, "\ud800" * 8, "vault", 1)


@given(st.sampled_from(["salt", "nonce", "wrapped"]), st.data())
def test_one_changed_bit_in_a_slot_is_refused(part: str, data: st.DataObject) -> None:
    spec = SLOT.spec()
    changed = bytearray.fromhex(spec[part])
    bit = data.draw(st.integers(0, len(changed) * 8 - 1))
    changed[bit // 8] ^= 1 << bit % 8
    with pytest.raises(WrongPassword):
        slots.unwrap(PasswordSlot.from_spec(spec | {part: changed.hex()}), PASSWORD, "vault", 1)


@pytest.mark.parametrize(
    "change", [{"memory_kib": 16}, {"iterations": 2}, {"memory_kib": 64, "lanes": 2}]
)
def test_a_slot_whose_cost_was_changed_is_refused(change: dict[str, int]) -> None:
    with pytest.raises(WrongPassword):
        slots.unwrap(PasswordSlot.from_spec(SLOT.spec() | change), PASSWORD, "vault", 1)


@pytest.mark.parametrize(
    "change",
    [
        {"memory_kib": 1 << 30},
        {"memory_kib": 7},
        {"memory_kib": -1},
        {"memory_kib": None},
        {"memory_kib": float("inf")},
        {"memory_kib": float("nan")},
        {"memory_kib": "much"},
        {"memory_kib": [8]},
        {"iterations": 0},
        {"iterations": 1_000_000},
        {"lanes": 0},
        {"lanes": 17, "memory_kib": 1024},
        {"salt": "00"},
        {"salt": "not hex"},
        {"nonce": None},
        {"wrapped": 5},
        {"kdf": "scrypt"},
    ],
)
def test_a_slot_that_is_none_or_asks_for_too_much_is_refused_before_any_work(
    change: dict[str, Any],
) -> None:
    with pytest.raises(VaultError, match="damaged"):
        PasswordSlot.from_spec(SLOT.spec() | change)


@pytest.mark.parametrize("spec", [{}, [], 5, None, "text"])
def test_a_slot_that_is_not_even_an_object_of_the_right_shape_is_refused(spec: Any) -> None:
    with pytest.raises(VaultError, match="damaged"):
        PasswordSlot.from_spec(spec)


def test_costs_are_only_ever_raised() -> None:
    assert Argon2Cost(8, 4, 1).raised_to(Argon2Cost(16, 3, 2)) == Argon2Cost(16, 4, 2)


def test_a_slot_shows_no_bytes() -> None:
    assert SLOT.wrapped.hex() not in repr(SLOT)
    assert "wrapped" not in repr(SLOT)
