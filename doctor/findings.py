"""What a finding is, and the line it becomes. Pure."""

from dataclasses import dataclass

OK, WARN, FAIL = "ok", "warn", "FAIL"

_SUBJECT_WIDTH = 26


@dataclass(frozen=True)
class Finding:
    """How it stands with `subject`; `next_step` is empty where there is nothing to do."""

    level: str
    subject: str
    told: str
    next_step: str = ""


def ok(subject: str, told: str) -> Finding:
    return Finding(OK, subject, told)


def warn(subject: str, told: str, next_step: str) -> Finding:
    """It may be meant so, or could not be told."""
    return Finding(WARN, subject, told, next_step)


def fail(subject: str, told: str, next_step: str) -> Finding:
    """Not ready for customers."""
    return Finding(FAIL, subject, told, next_step)


def line(finding: Finding, key: str) -> str:
    """One line, whatever is in it, and without the key, wherever it might have got in."""
    arrow = f" -> {finding.next_step}" if finding.next_step else ""
    text = f"{finding.subject:<{_SUBJECT_WIDTH}} {finding.told}{arrow}".replace(key, "***")
    return f"{finding.level:<4} " + "".join(mark if mark.isprintable() else "?" for mark in text)
