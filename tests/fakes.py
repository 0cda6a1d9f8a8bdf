"""Parts of the proxy that do nothing, for tests of other parts."""


class NoInstrumentation:
    """Counts nothing (common/instrumentation.py)."""

    def count_upstream(self, endpoint: str, status: str, seconds: float) -> None: ...

    def count_throttled(self, decision: str, seconds: float) -> None: ...

    def count_invalidated(self, groups: int) -> None: ...
