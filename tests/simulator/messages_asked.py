"""A small request to `/v1/messages`, blocks to change it with, and how it is refused."""

from typing import Any

from tests.simulator.raw import Answered, Raw
from tokenhub.simulator import Simulator

MODEL = "claude-haiku-4-5"
HELLO = [{"role": "user", "content": "Hello"}]
TEXT = {"type": "text", "text": "x"}
USE = {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {}}
RESULT = {"type": "tool_result", "tool_use_id": "toolu_1", "content": "ok"}
PNG = {"type": "base64", "media_type": "image/png", "data": "AAAA"}


async def ask(simulator: Simulator, raw: Raw, change: dict[str, Any], **headers: str) -> Answered:
    body = {"model": MODEL, "max_tokens": 50, "messages": HELLO} | change
    return await raw.post(f"{simulator.base_url}/v1/messages", body, **headers)


async def is_refused(simulator: Simulator, raw: Raw, change: dict[str, Any], words: str) -> None:
    """Expect an error body with these words."""
    answer = await ask(simulator, raw, change)
    assert answer.status == 400
    assert answer.json["error"] == {"type": "invalid_request_error", "message": words}
    assert answer.json["type"] == "error"
    assert answer.json["request_id"] == answer.headers["request-id"]
