"""A Python client of the proxy's API, as a front-end would call it."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import requests

FIRST_SERVICE = "63bdbf49394aad976d4aa43b"
SHARING_SERVICE = "63bdbf49394aad976d4aa43c"
"""Both this service and FIRST_SERVICE are served by MARK."""
AUTOMATIC_SERVICE = "63bdbf49394aad976d4aa43d"
OPEN_SERVICE = "63bdbf49394aad976d4aa4ff"
"""Has a slot every five minutes, day and night."""
JOHN = "63bdbf3230013a2792550a1c"
MARK = "63bdbf3b25ab497401602d07"
ZONE = "America/Santiago"

FORM = [
    {"_id": "videsk_essential", "value": ""},
    {"_id": "60dbe3416af0be33b8b372b1", "value": "Ana Pérez"},
    {"_id": "60dbe3416af0be33b8b372b2", "value": "ana@example.com"},
]


def working_day(days_ahead: int = 7) -> str:
    """Return a day on which the seed's agents work, such as `2026-12-01`."""
    day = datetime.now(UTC).date() + timedelta(days=days_ahead)
    while day.weekday() > 3:
        day += timedelta(days=1)
    return day.isoformat()


def next_open_day() -> str:
    """Return the UTC day of OPEN_SERVICE's next slot, which is at most five minutes away."""
    return (datetime.now(UTC) + timedelta(minutes=5)).date().isoformat()


@dataclass
class Client:
    """Calls the proxy. Every method returns the complete response.

    Each call opens a new connection, unless there is a `session`.
    """

    url: str
    session: requests.Session | None = None

    def call(self, method: str, path: str, **options: Any) -> requests.Response:
        request = self.session.request if self.session else requests.request
        return request(method, self.url + path, timeout=30, allow_redirects=False, **options)

    def get(self, path: str, **options: Any) -> requests.Response:
        return self.call("GET", path, **options)

    def post(self, path: str, body: object, **options: Any) -> requests.Response:
        return self.call("POST", path, json=body, **options)

    def dates(self, kind: str, ident: str, date: str, timezone: str = ZONE) -> requests.Response:
        params = {"date": date, "timezone": timezone}
        return self.get(f"/api/{kind}/{ident}/dates", params=params)

    def hours(self, kind: str, ident: str, date: str, timezone: str = ZONE) -> requests.Response:
        params = {"date": date, "timezone": timezone}
        return self.get(f"/api/{kind}/{ident}/hours", params=params)

    def book(
        self,
        kind: str,
        ident: str,
        start_at: str,
        headers: dict[str, str] | None = None,
        **fields: Any,
    ) -> requests.Response:
        """Book an hour. `fields` are added to the body, or replace the defaults.

        Without `headers`, each call sends a new Idempotency-Key, so that no call is deduplicated.
        """
        headers = headers or {"Idempotency-Key": uuid4().hex}
        body = {"startAt": start_at, "timezone": ZONE, "form": FORM}
        if kind == "users":
            body["service"] = FIRST_SERVICE
        return self.post(f"/api/{kind}/{ident}/appointments", body | fields, headers=headers)


def booking_body(start_at: str, email: str) -> dict[str, Any]:
    """Return the body of a user booking in FIRST_SERVICE with this e-mail address."""
    form = [*FORM[:-1], {"_id": FORM[-1]["_id"], "value": email}]
    return {"startAt": start_at, "timezone": ZONE, "form": form, "service": FIRST_SERVICE}


def bearer(token: str) -> dict[str, str]:
    """Return the Authorization header with this token."""
    return {"Authorization": f"Bearer {token}"}
