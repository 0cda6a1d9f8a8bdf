"""Parts of the proxy that do nothing, for tests of other parts."""


class NoInstrumentation:
    """Counts nothing (common/instrumentation.py)."""

    def upstream(self, endpoint: str, status: str, seconds: float) -> None: ...

    def throttled(self, decision: str, seconds: float) -> None: ...

    def invalidated(self, groups: int) -> None: ...
