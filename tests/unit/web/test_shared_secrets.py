"""Views protected by secrets, and the limit on wrong ones."""

import pytest
from flask import Flask, request
from werkzeug.exceptions import NotFound

from tests.unit.web.setup import small_app
from web import client_limits
from web.shared_secrets import MAX_WRONG_PER_MINUTE, WebhookSecretError, check, limit_guesses


@pytest.fixture
def app() -> Flask:
    app = small_app()
    client_limits.register(app, None, "", "1000/minute", "1000/minute")

    @limit_guesses(app)
    def view() -> str:
        check(request.headers.get("X-Secret", ""), ("new", "old"), WebhookSecretError)
        return ""

    app.add_url_rule("/secret", "view", view)
    return app


def statuses(app: Flask, secret: str, times: int, address: str = "10.0.0.1") -> set[int]:
    client, environ = app.test_client(), {"REMOTE_ADDR": address}
    headers = {"X-Secret": secret}
    calls = [client.get("/secret", headers=headers, environ_base=environ) for _ in range(times)]
    return {call.status_code for call in calls}


@pytest.mark.parametrize("value", ["new", "old"])
def test_either_value_is_accepted_during_a_rotation(value: str) -> None:
    check(value, ("new", "old"), WebhookSecretError)


@pytest.mark.parametrize("value", ["", "ne", "news", "NEW", "é"])
def test_another_value_is_rejected(app: Flask, value: str) -> None:
    with app.app_context(), pytest.raises(WebhookSecretError):
        check(value, ("new", "old"), WebhookSecretError)


def test_without_a_secret_there_is_no_view() -> None:
    with pytest.raises(NotFound):
        check("", (), WebhookSecretError)


def test_after_many_wrong_secrets_an_address_is_blocked_even_with_the_right_one(
    app: Flask,
) -> None:
    assert statuses(app, "wrong", MAX_WRONG_PER_MINUTE) == {401}
    assert statuses(app, "wrong", 1) == statuses(app, "new", 1) == {429}
    assert statuses(app, "new", 1, "10.0.0.2") == {200}


def test_neither_right_secrets_nor_none_at_all_count_as_guesses(app: Flask) -> None:
    assert statuses(app, "new", MAX_WRONG_PER_MINUTE + 1) == {200}
    assert statuses(app, "", MAX_WRONG_PER_MINUTE + 1) == {401}
    assert statuses(app, "old", 1) == {200}
