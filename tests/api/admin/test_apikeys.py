from tests.api.admin.service import Caller


async def test_a_key_lives_its_whole_life(admin: Caller) -> None:
    made = await admin("POST", "apikeys", {"name": "editor", "scopes": ["chat"]})
    assert made.status == 201
    key_id, token = made.json["id"], made.json["key"]
    assert (await admin("PATCH", f"apikeys/{key_id}", {"name": "ide"})).json == {"ok": True}
    rotated = await admin("POST", f"apikeys/{key_id}/rotate")
    assert rotated.json["key"] != token
    shown = await admin("GET", f"apikeys/{key_id}")
    assert (shown.json["name"], "key" in shown.json) == ("ide", False)
    assert (await admin("DELETE", f"apikeys/{key_id}")).json == {"ok": True}
    assert (await admin("GET", "apikeys")).json["items"] == []


async def test_keys_never_appear_in_lists(admin: Caller) -> None:
    made = await admin("POST", "apikeys", {"name": "editor"})
    assert made.json["key"] not in (await admin("GET", "apikeys")).text


async def test_an_unknown_key_is_a_404(admin: Caller) -> None:
    for method, path in [("GET", "x"), ("DELETE", "x"), ("POST", "x/rotate")]:
        assert (await admin(method, f"apikeys/{path}")).status == 404


async def test_a_body_that_is_not_an_object_is_a_400(admin: Caller) -> None:
    bodies: list[object] = [[], "text", 3]
    for body in bodies:
        assert (await admin("POST", "apikeys", body)).status == 400
