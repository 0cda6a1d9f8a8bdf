"""Secrets settings as files, as Docker and Kubernetes mount them.

`NAME_FILE` is the path of a file that holds the value of `NAME`.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path

from settings.parsers import SettingsError

MAX_BYTES = 65_536
"""A limit for paths such as /dev/zero."""


def file_setting(name: str) -> str:
    """Return the setting that holds the path of the secret's file."""
    return f"{name}_FILE"


def read(settings: Mapping[str, str], names: Iterable[str]) -> dict[str, str]:
    """Return those of the secrets `names` whose files `settings` names; it has no empty values.

    White space around a value is stripped. Raises SettingsError.
    """
    return {name: _read(name, settings) for name in names if file_setting(name) in settings}


def _read(name: str, settings: Mapping[str, str]) -> str:
    setting = file_setting(name)
    if name in settings:
        raise SettingsError(f"{name} and {setting} are both set: set one of them")
    try:
        with Path(settings[setting]).open("rb") as file:
            content = file.read(MAX_BYTES + 1)
        text = content.decode().strip()
    except (OSError, ValueError):
        text = ""
    if not text or len(content) > MAX_BYTES:
        raise SettingsError(f"{setting} must be the path of a readable text file that is not empty")
    return text
