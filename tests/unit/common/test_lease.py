"""Lease renewal while work is in progress."""

import gevent

from common.lease import renewed
from common.resilient_redis import RedisUnavailableError


def test_a_lease_is_renewed_until_the_block_ends() -> None:
    renewals: list[int] = []

    def renew() -> None:
        renewals.append(1)
        if len(renewals) == 1:
            raise RedisUnavailableError

    with renewed(renew, 0.005):
        assert not renewals, "the first renewal is after the interval"
        while len(renewals) < 3:
            gevent.sleep(0.001)
    gevent.sleep(0)  # its greenlet ends in the next turn of the event loop
    count = len(renewals)
    gevent.sleep(0.02)
    assert len(renewals) == count
