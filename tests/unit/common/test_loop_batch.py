"""Work that is collected and done once in each turn of the event loop."""

from collections.abc import Sequence

import gevent

from common.loop_batch import LoopBatch


def test_the_items_of_a_turn_are_processed_together_after_the_greenlet_has_waited() -> None:
    batches: list[Sequence[int]] = []
    batch = LoopBatch(batches.append)
    gevent.joinall([gevent.spawn(batch.add, number) for number in (1, 2)])
    batch.add(3)
    assert batches == [[1, 2]]
    gevent.sleep(0)
    assert batches == [[1, 2], [3]]
