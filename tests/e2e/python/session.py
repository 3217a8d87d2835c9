"""What the programs' sessions share.

`python <program>.py` plays the steps that come on its input against the hub that the environment
names: on each line the name of a step and that of a model. What came of it is one line of JSON.
"""

import asyncio
import inspect
import json
import os
import sys
from collections.abc import Callable
from typing import Any

from pydantic import BaseModel

ROOT_URL = os.environ["HUB_URL"]
BASE_URL = f"{ROOT_URL}/v1"
KEY = os.environ["HUB_KEY"]

SYSTEM = "Be brief."
QUESTION = "What does a router do?"
TOOL_QUESTION = "Please call get_weather for Paris."
TWO_QUESTIONS = "Please call get_weather for Paris, and get_time there."
FINDING = "18 degrees and rain"
DESCRIPTION = "The weather in a city"
CITY = {
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
    "additionalProperties": False,
}
PIXEL = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJ"
    "AAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


class Tower(BaseModel):
    """What a model is to answer with where its answer has a type."""

    name: str
    floors: int


def play(*steps: Callable[[str], Any]) -> None:
    """Play the steps that the input names; what a program prints goes to stderr."""
    answers, sys.stdout = sys.stdout, sys.stderr
    by_name = {step.__name__: step for step in steps}
    with asyncio.Runner() as runner:
        for line in sys.stdin:
            name, model = line.split()
            found = _played(by_name[name], model, runner)
            print(json.dumps(found), file=answers, flush=True)


def _played(step: Callable[[str], Any], model: str, runner: asyncio.Runner) -> Any:
    try:
        found = step(model)
        return runner.run(found) if inspect.iscoroutine(found) else found
    except Exception as error:  # noqa: BLE001 - whatever a program raises is what is looked at
        status = getattr(error, "status_code", None)
        told = {"kind": type(error).__name__, "status": status, "message": str(error)}
        return {"error": told | {"id": getattr(error, "request_id", None)}}
