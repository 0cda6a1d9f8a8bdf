"""Secrets given as files."""

from pathlib import Path

import pytest

from settings import SECRET_NAMES, Settings, SettingsError, load

SECRET_MARK = "hunter2"
VALUES: dict[str, tuple[str, object]] = {
    "VIDESK_API_KEY": (f"key-{SECRET_MARK}", f"key-{SECRET_MARK}"),
    "REDIS_URL": (f"redis://:{SECRET_MARK}@host", f"redis://:{SECRET_MARK}@host"),
    "CAPTCHA_SECRET": (SECRET_MARK, SECRET_MARK),
    "METRICS_TOKEN": (f"{SECRET_MARK}-1,{SECRET_MARK}-2", (f"{SECRET_MARK}-1", f"{SECRET_MARK}-2")),
    "WEBHOOK_SECRET": (f"{SECRET_MARK}-1", (f"{SECRET_MARK}-1",)),
}
OTHERS = {"VIDESK_API_KEY": "the-key", "CAPTCHA_PROVIDER": "turnstile", "CAPTCHA_SECRET": "secret"}
ALL = pytest.mark.parametrize("name", VALUES)


def load_file(name: str, path: Path | str, **more: str) -> Settings:
    others = {other: text for other, text in OTHERS.items() if other != name}
    return load(others | {f"{name}_FILE": str(path)} | more)


def error_line(name: str, path: Path | str, **more: str) -> str:
    with pytest.raises(SettingsError) as caught:
        load_file(name, path, **more)
    assert caught.value.__cause__ is None
    line = str(caught.value.code)
    assert SECRET_MARK not in line
    assert len(line.splitlines()) == 1
    return line.removeprefix("videsk-proxy cannot start: ")


def test_values_cover_every_secret() -> None:
    assert set(SECRET_NAMES) == set(VALUES)


@ALL
@pytest.mark.parametrize("end", ["", "\n", "\r\n", " \n\n"])
def test_secret_is_read_from_a_file(name: str, end: str, tmp_path: Path) -> None:
    text, value = VALUES[name]
    file = tmp_path / "secret"
    file.write_text(f"{text}{end}", newline="")
    assert getattr(load_file(name, file), name.lower()) == value
    assert getattr(load_file(name, f" {file} ", **{name: " "}), name.lower()) == value


@ALL
def test_value_and_file_together_are_an_error(name: str, tmp_path: Path) -> None:
    text, _ = VALUES[name]
    (tmp_path / "secret").write_text(text)
    line = error_line(name, tmp_path / "secret", **{name: text})
    assert line == f"{name} and {name}_FILE are both set: set one of them"


@ALL
@pytest.mark.parametrize("content", [None, b"", b" \n", b"\xff" * 20, b"x" * 70_000, b"a\0b"])
def test_unusable_file_is_an_error(name: str, content: bytes | None, tmp_path: Path) -> None:
    file = tmp_path / SECRET_MARK
    if content is not None:
        file.write_bytes(content)
    assert error_line(name, file).startswith(f"{name}_FILE must be the path of a ")


@ALL
def test_folder_and_endless_file_are_errors(name: str, tmp_path: Path) -> None:
    must = f"{name}_FILE must be the path of a readable text file that is not empty"
    assert error_line(name, tmp_path) == must
    assert error_line(name, "/dev/zero") == must


@pytest.mark.parametrize("name", ["VIDESK_API_KEY", "REDIS_URL", "METRICS_TOKEN"])
def test_invalid_value_in_a_file_is_reported_under_the_file_setting(
    name: str, tmp_path: Path
) -> None:
    (tmp_path / "secret").write_text(f"Bearer {SECRET_MARK}")
    assert error_line(name, tmp_path / "secret").startswith(
        f"{name}_FILE must be the path of a file that holds "
    )


def test_only_secrets_are_read_from_files(tmp_path: Path) -> None:
    (tmp_path / "port").write_text("1")
    assert load(OTHERS | {"PORT_FILE": str(tmp_path / "port")}).port == 8000


def test_redis_url_in_a_file_counts_for_the_number_of_workers(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("redis://host")
    found = load_file("REDIS_URL", tmp_path / "secret")
    assert found.workers == load(OTHERS | {"REDIS_URL": "redis://host"}).workers
