"""What the simulated models behind the hub say, and what was asked of them."""

import base64
from collections.abc import Mapping
from typing import Any, Final

from tests.support.cast import LLAMA
from tests.support.stage import Stage

MODELS: Final = {"openai": "gpt-4o", "anthropic": "claude-sonnet-4-5", "vllm": LLAMA}
"""The model that stands for each kind of provider."""
ANSWER: Final = "Seven towers stand in the harbour: Zürich, 東京, and five that nobody counts."
"""What every model says as long as nothing else is wanted."""
FINDING: Final = "18 degrees and rain"
"""What the tool of a session says."""
ENDS: Final = {"stop", "completed", "response.completed", "end_turn"}
"""What an answer that ended by itself is said to have ended by."""
NOTE: Final = "The lantern hangs in the old mill."
"""What stands in `notes.txt`, where a program works."""
DOT: Final = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAADAAAAAwCAIAAADYYG7QAAAAoUlEQVR42u3OEaJCAQAF0SdJkiTJSJIkSZIkSZIkSZ"
    "IkSZIkSZIkX5IkSZIkSZKRJEmSJGkT7eLTPSs4hRRSkrJUpCo1QerSkKa0pC0d6UpP+jKQoYxkLBOZykzmspClrGQt"
    "G9nKn+xkLwc5yknOcpGr3ES5y0Oe8pK3fORbJJRQQgkllFBCCSWUUEIJJZRQQgkllFBCCSWUUEIJJZTQ/4V+9sc4NV"
    "5ZlM8AAAAASUVORK5CYII="
)
"""A picture: `dot.png`, where a program works."""


def sent(stage: Stage, kind: str) -> list[Any]:
    """The bodies of the model calls that a simulated provider got, oldest first."""
    calls = stage.simulators[kind].calls
    return [call.json for call in calls if call.method == "POST"]


def assert_streamed(said: Mapping[str, Any]) -> None:
    """That a program heard the answer in pieces, with its end and its usage."""
    assert said["text"] == ANSWER
    assert said["pieces"] > 5
    assert said.get("finish", "stop") in ENDS
    assert said.get("numbered", True)
    assert said["input"] > 5
    assert said["output"] > 5


def assert_put_together(said: Mapping[str, Any]) -> None:
    """That an SDK made the answer of its pieces."""
    assert said["text"] == ANSWER
    assert said["pieces"] > 5
    assert said["finish"] in ENDS
    assert said["output"] > 5


def pictures(body: Any) -> int:
    """How many pictures a request shows, in whichever protocol."""
    if isinstance(body, list):
        return sum(pictures(part) for part in body)
    if not isinstance(body, dict):
        return 0
    if body.get("type") in ("image", "image_url", "input_image"):
        return 1
    return sum(pictures(part) for part in body.values())
