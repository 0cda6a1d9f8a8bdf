"""What can be counted, told by the parts that do it, without knowing who counts."""


class Meter:
    """Counts nothing; web/metrics.py counts."""

    def upstream(self, endpoint: str, status: str, seconds: float) -> None:
        """Videsk was asked at `endpoint` (ids left out) and answered with `status`, or failed."""

    def gate(self, verdict: str, seconds: float) -> None:
        """A request was told to wait for `seconds`, or was refused."""

    def outdated(self, groups: int) -> None:
        """A write has raised so many generations."""
