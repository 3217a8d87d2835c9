import pytest

from tokenhub.admission.scopes import require
from tokenhub.errors import RequestError
from tokenhub.types import ApiKey, Scope


def key_with(*scopes: Scope) -> ApiKey:
    return ApiKey("k1", "editor", b"", scopes=frozenset(scopes))


@pytest.mark.parametrize("scope", list(Scope))
def test_a_key_without_scopes_may_do_all(scope: Scope) -> None:
    require(ApiKey("k1", "editor", b""), scope)


@pytest.mark.parametrize("scope", list(Scope))
def test_a_key_may_do_what_its_scope_names(scope: Scope) -> None:
    require(key_with(scope), scope)


@pytest.mark.parametrize("scope", [Scope.CHAT, Scope.PLAN])
def test_who_chats_or_plans_may_see_the_models(scope: Scope) -> None:
    require(key_with(scope), Scope.MODELS)


@pytest.mark.parametrize(
    ("has", "wants"),
    [
        (Scope.EMBEDDINGS, Scope.CHAT),
        (Scope.EMBEDDINGS, Scope.MODELS),
        (Scope.MODELS, Scope.CHAT),
        (Scope.CHAT, Scope.PLAN),
        (Scope.PLAN, Scope.EMBEDDINGS),
    ],
)
def test_a_missing_scope_is_a_403_that_names_it(has: Scope, wants: Scope) -> None:
    with pytest.raises(RequestError, match=f"lacks the scope '{wants}': it has {has}") as caught:
        require(key_with(has), wants)
    assert (caught.value.status, caught.value.code) == (403, "scope_not_allowed")
