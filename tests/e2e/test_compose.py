"""compose.yaml and ops/prometheus.yml, as far as they can be checked without Docker."""

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from redis import AuthenticationError, Redis

from settings import NAMES, SECRET_NAMES, load
from settings.secret_files import file_setting
from tests.e2e.pages import DEPLOY
from tests.e2e.test_alerts import PROMTOOL, RULES
from tests.processes import ROOT, ServerProcess, free_port, gunicorn_settings, running_server

COMPOSE = ROOT / "compose.yaml"
SERVICES: dict[str, Any] = yaml.safe_load(COMPOSE.read_text(encoding="utf-8"))["services"]
SECRETS: dict[str, Any] = yaml.safe_load(COMPOSE.read_text(encoding="utf-8"))["secrets"]
MOUNTED = "/run/secrets/"
(COMMANDS,) = [text for _, text in DEPLOY.blocks("sh") if "docker compose up" in text]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder in which the page's commands have written the secrets."""
    folder = tmp_path_factory.mktemp("compose")
    writing, _, _ = COMMANDS.partition("export ")
    subprocess.run(["bash", "-euc", writing], cwd=folder, input=b"the-key\n", check=True)
    return folder


def at_host(value: str, folder: Path) -> str:
    """Replace the paths in a container by those of the secrets' files."""
    return re.sub(
        rf"{MOUNTED}([\w.]+)", lambda found: str(folder / SECRETS[found[1]]["file"]), value
    )


def interpolated(value: str) -> str:
    """Replace a variable by its default, and a required one by an origin."""
    value = re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", value)
    return re.sub(r"\$\{\w+:\?[^}]*\}", "https://www.your-shop.example", value)


def test_it_matches_the_compose_specification() -> None:
    command = ["check-jsonschema", "--builtin-schema", "vendor.compose-spec", str(COMPOSE)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_its_settings_and_secrets_are_accepted(folder: Path) -> None:
    given = SERVICES["proxy"]["environment"]
    assert set(given) <= {*NAMES, *map(file_setting, SECRET_NAMES)}
    environ = {name: at_host(interpolated(value), folder) for name, value in given.items()}
    settings = load(environ)
    assert settings.videsk_api_key == "the-key"
    assert settings.workers >= 1
    exported = re.findall(r"\b([A-Z_]+)=", COMMANDS.partition("export ")[2])
    assert set(exported) == set(re.findall(r"\$\{(\w+)", COMPOSE.read_text(encoding="utf-8")))


def test_every_secret_is_written_mounted_and_used(folder: Path) -> None:
    assert {path.name for path in (folder / "secrets").iterdir()} == set(SECRETS)
    configuration = (ROOT / "ops/prometheus.yml").read_text(encoding="utf-8")
    for service in SERVICES.values():
        used = set(re.findall(rf"{MOUNTED}([\w.]+)", str(service)))
        if "prometheus" in service.get("image", ""):
            used |= set(re.findall(rf"{MOUNTED}([\w.]+)", configuration))
        assert used == set(service["secrets"])
    assert "/secrets/" in (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()


def test_every_mounted_file_exists() -> None:
    for service in SERVICES.values():
        for volume in service.get("volumes", []):
            source = volume.partition(":")[0]
            assert (ROOT / source).is_file() or source in ("redis", "prometheus")


def test_containers_are_healthy_stop_in_order_and_are_not_public() -> None:
    proxy = SERVICES["proxy"]
    assert "HEALTHCHECK" in (ROOT / "Dockerfile").read_text(encoding="utf-8")
    assert all("healthcheck" in it for name, it in SERVICES.items() if name != "proxy")
    assert proxy["read_only"] is True
    assert int(proxy["stop_grace_period"][:-1]) > int(gunicorn_settings()["graceful_timeout"])
    published = [port for it in SERVICES.values() for port in it.get("ports", [])]
    assert published == ["127.0.0.1:8000:8000", "127.0.0.1:9090:9090"]


@pytest.fixture(scope="module")
def redis(folder: Path) -> Iterator[ServerProcess]:
    """Redis with the arguments of compose.yaml."""
    program, config, *options = SERVICES["redis"]["command"]
    assert program == "redis-server"
    port = free_port()
    options += ["--dir", str(folder), "--port", str(port), "--bind", "127.0.0.1"]
    with running_server([program, at_host(config, folder), *options], port) as server:
        yield server


def test_redis_needs_the_password_of_the_proxy_and_evicts_nothing(
    redis: ServerProcess, folder: Path
) -> None:
    with pytest.raises(AuthenticationError):
        Redis(port=redis.port).ping()
    url = (
        (folder / "secrets/redis_url").read_text().replace("redis:6379", f"127.0.0.1:{redis.port}")
    )
    client = Redis.from_url(url)
    assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
    assert client.config_get("appendonly") == {"appendonly": "yes"}


@pytest.mark.skipif(not shutil.which("redis-cli"), reason="redis-cli is not installed")
def test_the_healthcheck_of_redis_succeeds_with_the_password_only(
    redis: ServerProcess, folder: Path, tmp_path: Path
) -> None:
    _, command = SERVICES["redis"]["healthcheck"]["test"]
    script = command.replace("$$", "$").replace("redis-cli", f"redis-cli -p {redis.port}")
    other = tmp_path / "redis.conf"
    other.write_text("requirepass another\n")
    for file, is_healthy in ((folder / "secrets/redis.conf", True), (other, False)):
        checked = script.replace(f"{MOUNTED}redis.conf", str(file))
        done = subprocess.run(["sh", "-c", checked], capture_output=True, check=False)
        assert (done.returncode == 0) is is_healthy


@PROMTOOL
def test_promtool_accepts_the_configuration_of_prometheus(folder: Path, tmp_path: Path) -> None:
    mounts = dict(
        volume.split(":")[1::-1]
        for volume in SERVICES["prometheus"]["volumes"]
        if volume.startswith("./")
    )
    assert mounts["/etc/prometheus/prometheus.yml"] == "./ops/prometheus.yml"
    assert ROOT / mounts["/etc/prometheus/alerts.yml"] == RULES
    text = at_host((ROOT / "ops/prometheus.yml").read_text(encoding="utf-8"), folder)
    for inside, outside in mounts.items():
        text = text.replace(inside, str(ROOT / outside))
    (tmp_path / "prometheus.yml").write_text(text)
    command = ["promtool", "check", "config", str(tmp_path / "prometheus.yml")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "SUCCESS: " in done.stdout
