"""Message threads (`message-threads-2026-08-12`): conversations that the service holds.

This one holds none. It answers as the service does to an organization whose settings exclude
threads; clients then send the whole conversation without `thread` (the details are those of the
SDK's `ThreadUnsupportedRequestErrorDetails`; its words are free).
"""

from tokenhub.simulator.anthropic.fields import wrong_tag
from tokenhub.simulator.errors import ApiError
from tokenhub.simulator.frames import Json

_SETTING = "hipaa"


def check_thread(body: Json) -> None:
    """Refuse any `thread`, for its form first."""
    thread = body.get("thread")
    if thread is None:
        return
    if not isinstance(thread, dict):
        raise ApiError(400, "thread: Input should be an object")
    kind = thread.get("type")
    if kind not in ("create", "continue"):
        raise wrong_tag("thread", kind, ("create", "continue"))
    if kind == "continue" and not isinstance(thread.get("previous_message_id"), str):
        raise ApiError(400, "thread.continue.previous_message_id: Field required")
    raise ApiError(
        400,
        "thread: threads are not supported for this organization. Send the full conversation "
        "without `thread`.",
        details={"error_code": "thread_unsupported_request", "unsupported": [_SETTING]},
    )
