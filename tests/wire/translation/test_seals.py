from tokenhub.wire.translation.seals import OWN_PREFIX, own_seal


def test_a_seal_of_our_own_is_known_by_its_beginning() -> None:
    assert own_seal("hm").startswith(OWN_PREFIX)


def test_the_same_thinking_has_the_same_seal() -> None:
    assert own_seal("hm") == own_seal("hm") != own_seal("hm.")
