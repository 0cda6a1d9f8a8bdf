"""A finding, and its line of output. Pure."""

from dataclasses import dataclass

OK, WARN, FAIL = "ok", "warn", "FAIL"

_SUBJECT_WIDTH = 26


@dataclass(frozen=True)
class Finding:
    """The result of one check; `next_step` is empty for `ok`."""

    level: str
    subject: str
    text: str
    next_step: str = ""


def ok(subject: str, text: str) -> Finding:
    return Finding(OK, subject, text)


def warn(subject: str, text: str, next_step: str) -> Finding:
    """It may be intended, or could not be checked."""
    return Finding(WARN, subject, text, next_step)


def fail(subject: str, text: str, next_step: str) -> Finding:
    """The proxy is not ready for customers."""
    return Finding(FAIL, subject, text, next_step)


def line(finding: Finding, key: str) -> str:
    """Return one printable line, in which the key is masked."""
    arrow = f" -> {finding.next_step}" if finding.next_step else ""
    output = printable(f"{finding.subject:<{_SUBJECT_WIDTH}} {finding.text}{arrow}", key)
    return f"{finding.level:<4} {output}"


def printable(text: str, key: str) -> str:
    """Mask the key, and replace characters that cannot be printed."""
    masked = text.replace(key, "***") if key else text
    return "".join(mark if mark.isprintable() else "?" for mark in masked)
