"""An event loop in which waiting takes no time: when nothing is ready its clock jumps ahead.

For code without sockets. A folder's tests run on it by the hook `pytest_asyncio_loop_factories`
in its `conftest.py`, a single one by `on_virtual_time`.
"""

import asyncio
import functools
import selectors
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, ParamSpec

import pytest

P = ParamSpec("P")


class _Selector(selectors.BaseSelector):
    """Sees only what is ready now; a wait that finds nothing moves the clock."""

    def __init__(self) -> None:
        self._real = selectors.DefaultSelector()
        self.now_s = 1000.0

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        return self._real.register(fileobj, events, data)

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:
        return self._real.unregister(fileobj)

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        found = self._real.select(0)
        if not found and timeout is None:
            raise RuntimeError("everything waits for something that cannot come")
        if not found and timeout is not None and timeout > 0:
            self.now_s += timeout
        return found

    def close(self) -> None:
        self._real.close()

    def get_map(self) -> Mapping[Any, selectors.SelectorKey]:
        return self._real.get_map()


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """The loop; its clock begins at 1000 s."""

    def __init__(self) -> None:
        self._virtual = _Selector()
        super().__init__(self._virtual)

    def time(self) -> float:
        """The virtual clock, in seconds."""
        return self._virtual.now_s


async def cancelled_after(seconds: float, work: Coroutine[Any, Any, object]) -> None:
    """Run `work`, cancel it after so many seconds, and see it end by that."""
    task = asyncio.get_running_loop().create_task(work)
    await asyncio.sleep(seconds)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


def on_virtual_time(test: Callable[P, Coroutine[Any, Any, None]]) -> Callable[P, None]:
    """Run one asynchronous test on such a loop."""

    @functools.wraps(test)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
            runner.run(test(*args, **kwargs))

    return run
