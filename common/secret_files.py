"""Secrets given as files, as Docker and Kubernetes mount them.

`NAME_FILE` is the path of a file that holds the value of `NAME`.
"""

from collections.abc import Mapping
from pathlib import Path

NAMES = ("VIDESK_API_KEY", "REDIS_URL", "CAPTCHA_SECRET", "METRICS_TOKEN", "WEBHOOK_SECRET")
MAX_BYTES = 65_536
"""So that a path such as /dev/zero ends."""


class SecretFileError(Exception):
    """A secret cannot be read; the text says which setting is wrong, and never shows its value."""


def file_setting(name: str) -> str:
    """Return the setting that holds the path of the secret's file."""
    return f"{name}_FILE"


def read(given: Mapping[str, str]) -> dict[str, str]:
    """Return the secrets that `given`, the settings that are not empty, names as files.

    White space around the value is dropped. Raises SecretFileError.
    """
    named = [name for name in NAMES if file_setting(name) in given]
    return {name: _read(name, given) for name in named}


def _read(name: str, given: Mapping[str, str]) -> str:
    setting = file_setting(name)
    if name in given:
        raise SecretFileError(f"{name} and {setting} are both set: set one of them")
    try:
        with Path(given[setting]).open("rb") as file:
            content = file.read(MAX_BYTES + 1)
        text = content.decode().strip()
    except (OSError, ValueError) as error:
        raise SecretFileError(_wrong(setting)) from error
    if not text or len(content) > MAX_BYTES:
        raise SecretFileError(_wrong(setting))
    return text


def _wrong(setting: str) -> str:
    return f"{setting} must be the path of a readable text file that is not empty"
