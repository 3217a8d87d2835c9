"""What a client key may do."""

from tokenhub.errors import RequestError
from tokenhub.types import ApiKey, Scope

_GRANTED_BY = {
    Scope.CHAT: frozenset({Scope.CHAT}),
    Scope.PLAN: frozenset({Scope.PLAN}),
    Scope.EMBEDDINGS: frozenset({Scope.EMBEDDINGS}),
    Scope.MODELS: frozenset({Scope.MODELS, Scope.CHAT, Scope.PLAN}),
}
"""Who chats or plans may also see the models."""


def require(key: ApiKey, scope: Scope) -> None:
    """Raise RequestError 403 unless `key` may do what `scope` names."""
    if key.scopes is None or not key.scopes.isdisjoint(_GRANTED_BY[scope]):
        return
    has = ", ".join(sorted(key.scopes))
    message = f"this key lacks the scope {scope.value!r}: it has {has}"
    raise RequestError(403, "scope_not_allowed", message)
