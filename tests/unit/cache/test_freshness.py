"""The freshness of entries by age: a table, and properties for all ages and policies."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cache.freshness import Freshness, FreshnessPolicy, decide, ttl

FRESH, STALE, EXPIRED = Freshness.FRESH, Freshness.STALE, Freshness.EXPIRED

SECONDS = st.integers(0, 90_000) | st.floats(0, 90_000)
POLICIES = st.builds(FreshnessPolicy, SECONDS, SECONDS)
CACHING_POLICIES = POLICIES.filter(lambda policy: policy.is_cacheable)
AGES = st.integers(-90_000, 200_000) | st.floats(-90_000, 200_000)


@pytest.mark.parametrize(
    ("policy", "age_seconds", "freshness", "left"),
    [
        (FreshnessPolicy(5, 30), 0, FRESH, 5),
        (FreshnessPolicy(5, 30), 0.001, FRESH, 5),
        (FreshnessPolicy(5, 30), 4.2, FRESH, 1),
        (FreshnessPolicy(5, 30), 4.999, FRESH, 1),
        (FreshnessPolicy(5, 30), 5, STALE, -1),
        (FreshnessPolicy(5, 30), 5.001, STALE, -1),
        (FreshnessPolicy(5, 30), 6, STALE, -1),
        (FreshnessPolicy(5, 30), 6.5, STALE, -2),
        (FreshnessPolicy(5, 30), 34.9, STALE, -30),
        (FreshnessPolicy(5, 30), 35, EXPIRED, None),
        (FreshnessPolicy(5, 0), 4.9, FRESH, 1),
        (FreshnessPolicy(5, 0), 5, EXPIRED, None),
        (FreshnessPolicy(0.3, 0), 0.2, FRESH, 1),
        (FreshnessPolicy(5, 30), -3600, FRESH, 5),
        (FreshnessPolicy(5, 0), -0.001, FRESH, 5),
    ],
)
def test_freshness_by_age(
    policy: FreshnessPolicy, age_seconds: float, freshness: Freshness, left: int | None
) -> None:
    assert decide(age_seconds, policy) is freshness
    assert left is None or ttl(age_seconds, policy) == left


@given(age_seconds=AGES, policy=CACHING_POLICIES)
def test_an_entry_is_fresh_while_its_ttl_is_positive(
    age_seconds: float, policy: FreshnessPolicy
) -> None:
    freshness, left = decide(age_seconds, policy), ttl(age_seconds, policy)
    assert left != 0
    assert (freshness is FRESH) == (left > 0)
    assert (freshness is STALE) <= (left < 0)
    assert left <= policy.keep_seconds
    assert freshness is EXPIRED or left >= -max(1, policy.keep_seconds)


@given(age_seconds=AGES, policy=CACHING_POLICIES)
def test_the_store_keeps_an_entry_as_long_as_it_can_be_used(
    age_seconds: float, policy: FreshnessPolicy
) -> None:
    assert policy.keep_seconds >= 1
    if age_seconds >= policy.keep_seconds:
        assert decide(age_seconds, policy) is EXPIRED


@given(ages=st.lists(AGES, min_size=2, max_size=2).map(sorted), policy=CACHING_POLICIES)
def test_an_entry_never_gets_younger(ages: list[float], policy: FreshnessPolicy) -> None:
    order = [FRESH, STALE, EXPIRED]
    younger, older = (order.index(decide(age, policy)) for age in ages)
    assert younger <= older
    assert ttl(ages[0], policy) >= ttl(ages[1], policy)


@given(age_seconds=st.floats(-90_000, -0.001), policy=CACHING_POLICIES)
def test_an_entry_from_the_future_is_as_fresh_as_a_new_one(
    age_seconds: float, policy: FreshnessPolicy
) -> None:
    assert decide(age_seconds, policy) is decide(0, policy) is FRESH
    assert ttl(age_seconds, policy) == ttl(0, policy)


@given(age_seconds=AGES, stale_seconds=SECONDS)
def test_without_caching_no_entry_is_served(age_seconds: float, stale_seconds: float) -> None:
    """Entries from before a restart with a TTL of 0, which disables caching."""
    policy = FreshnessPolicy(0, stale_seconds)
    assert not policy.is_cacheable
    assert decide(age_seconds, policy) is EXPIRED
