"""Collects small pieces of work and does them together, once in each turn of the event loop.

Under load, a turn serves several requests: one write of their log lines, or one increment of a
counter, takes about as long as for one request.
"""

from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

import gevent

T = TypeVar("T")


class LoopBatch(Generic[T]):
    """`process` is called in the event loop, so it must not wait for anything."""

    def __init__(self, process: Callable[[Sequence[T]], None]) -> None:
        self._process = process
        self._items: list[T] = []

    def add(self, item: T) -> None:
        """Have the item processed as soon as the present greenlet waits or ends."""
        if not self._items:
            gevent.get_hub().loop.run_callback(self._flush)
        self._items.append(item)

    def _flush(self) -> None:
        items, self._items = self._items, []
        self._process(items)
