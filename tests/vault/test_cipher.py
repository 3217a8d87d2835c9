from hypothesis import given
from hypothesis import strategies as st

from tokenhub.vault import cipher

KEY = bytearray(range(32))
PLACE = cipher.associated_data("secret", "vault", "name", 1)


@given(st.binary(max_size=300))
def test_what_was_encrypted_comes_back(plaintext: bytes) -> None:
    nonce, ciphertext = cipher.encrypt(KEY, plaintext, PLACE)
    decrypted = cipher.decrypt(KEY, nonce, ciphertext, PLACE)
    assert decrypted == bytearray(plaintext)


def test_the_ciphertext_is_aes_256_gcm_as_others_compute_it() -> None:
    # Test case 16 of the GCM specification (McGrew, Viega).
    key = bytearray.fromhex("feffe9928665731c6d6a8f9467308308" * 2)
    nonce = bytes.fromhex("cafebabefacedbaddecaf888")
    associated = bytes.fromhex("feedfacedeadbeeffeedfacedeadbeefabaddad2")
    ciphertext = bytes.fromhex(
        "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
        "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662"
        "76fc6ece0f4e1768cddf8853bb2d551b"
    )
    plaintext = cipher.decrypt(key, nonce, ciphertext, associated)
    assert plaintext == bytearray.fromhex(
        "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
        "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39"
    )


def test_each_encryption_has_a_nonce_of_its_own() -> None:
    nonces = {cipher.encrypt(KEY, b"the same", PLACE)[0] for _ in range(100)}
    assert len(nonces) == 100
    assert {len(nonce) for nonce in nonces} == {12}


@given(st.data(), st.binary(max_size=64))
def test_one_changed_bit_anywhere_is_refused(data: st.DataObject, plaintext: bytes) -> None:
    parts = [bytes(KEY), *cipher.encrypt(KEY, plaintext, PLACE), PLACE]
    part = data.draw(st.integers(0, 3), label="key, nonce, ciphertext or associated data")
    bit = data.draw(st.integers(0, len(parts[part]) * 8 - 1))
    changed = bytearray(parts[part])
    changed[bit // 8] ^= 1 << bit % 8
    parts[part] = bytes(changed)
    key, nonce, ciphertext, place = parts
    assert cipher.decrypt(bytearray(key), nonce, ciphertext, place) is None


@given(st.integers(0, 40))
def test_a_nonce_of_another_length_is_refused(length: int) -> None:
    _, ciphertext = cipher.encrypt(KEY, b"secret", PLACE)
    assert cipher.decrypt(KEY, bytes(length), ciphertext, PLACE) is None


@given(st.integers(0, 15))
def test_a_ciphertext_without_room_for_its_tag_is_refused(length: int) -> None:
    assert cipher.decrypt(KEY, bytes(12), bytes(length), PLACE) is None


PLACES = st.tuples(st.text(max_size=6), st.text(max_size=6), st.text(max_size=6), st.integers(0, 9))


@given(PLACES, PLACES)
def test_two_places_never_have_the_same_associated_data(
    one: tuple[str, str, str, int], other: tuple[str, str, str, int]
) -> None:
    same = cipher.associated_data(*one) == cipher.associated_data(*other)
    assert same == (one == other)


def test_moving_a_letter_from_one_part_to_the_next_is_another_place() -> None:
    assert cipher.associated_data("a", "bc", "d", 1) != cipher.associated_data("ab", "c", "d", 1)


def test_a_new_key_is_random_and_256_bits_long() -> None:
    assert cipher.new_key() != cipher.new_key()
    assert len(cipher.new_key()) == 32


def test_wiping_overwrites_the_buffer_itself() -> None:
    buffer = bytearray(b"secret")
    same = buffer
    cipher.wipe(buffer)
    assert same == bytes(6)
