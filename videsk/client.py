"""Client of Videsk's API: rate limit, API key status and error mapping around the transport.

A response that contains the API key is dropped.
"""

import re
from time import monotonic
from typing import Any

import gevent

from common import strict_json
from common.instrumentation import Instrumentation
from common.request_context import REQUEST_CONTEXT
from videsk.api_key_status import ApiKeyStatus
from videsk.errors import (
    VideskFailedError,
    VideskInvalidResponseError,
    VideskRateLimitError,
    VideskResponseError,
)
from videsk.normalize import is_too_deep
from videsk.retry_after import pause_seconds
from videsk.throttle.throttle import UpstreamThrottle
from videsk.transport import MAX_RESPONSE_BYTES, Request, Response, Transport

FORWARDED_HEADERS = (
    "Retry-After",
    *(f"Ratelimit-{name}" for name in ("Limit", "Remaining", "Reset", "Policy")),
)
"""Headers of Videsk's responses that are forwarded to the client."""

CONNECT_SECONDS = 0.02
"""If it takes longer to open a connection, the request counts from when that is done: requests that
leave later would else reach Videsk within the same second.
"""

_ID = re.compile(r"[0-9a-f]{24}")


class VideskClient:
    def __init__(
        self,
        base_url: str,
        api_key: str,
        timeout_seconds: float,
        throttle: UpstreamThrottle,
        api_key_status: ApiKeyStatus,
        instrumentation: Instrumentation,
    ) -> None:
        self._transport = Transport(base_url, api_key)
        self._key = api_key
        self._key_spellings = strict_json.spellings_of(api_key)
        self._timeout_seconds = timeout_seconds
        self._throttle = throttle
        self._api_key_status = api_key_status
        self._instrumentation = instrumentation

    def send(self, request: Request, seconds: float) -> Any:
        """Return the JSON of a 2xx response. One attempt, after the throttle, within `seconds`.

        It carries the trace headers of the client's request, and counts in that request's context.
        Raises VideskResponseError for a 4xx or 5xx, a VideskFailedError for everything else.
        """
        end = monotonic() + seconds
        slot = self._throttle.acquire(seconds, is_write=request.is_write, read_key=request.read_key)
        started = monotonic()
        status, is_failure = "failed", False
        endpoint = _ID.sub("{id}", request.path)
        context = REQUEST_CONTEXT.get()
        span = context.start_upstream(request.method, endpoint) if context else None

        def on_connect(took: float) -> None:
            if took > CONNECT_SECONDS:
                self._throttle.acquire(end - monotonic(), is_write=request.is_write, moved=slot)

        try:
            headers = context.upstream_headers(span) if context else None
            seconds_left = max(0.001, min(self._timeout_seconds, end - started))
            response = self._transport.exchange(request, seconds_left, headers, on_connect)
            status = str(response.status)
        except VideskFailedError as error:
            status = type(error).__name__.removeprefix("Videsk").removesuffix("Error").lower()
            is_failure = not isinstance(error, VideskRateLimitError)  # which is not one of Videsk
            raise
        finally:
            took = monotonic() - started
            if context:
                context.attempts += 1
                context.seconds += took
            self._instrumentation.count_upstream(endpoint, status, took)
            if span:
                span.end(status)
            if is_failure:
                self._throttle.report_failure()
        self._report_outcome(response, is_key_sent=request.token is None)
        return self._parse(response, is_write=request.is_write)

    def promote(self, client: str, read_key: str) -> None:
        """See UpstreamThrottle."""
        self._throttle.promote(client, read_key)

    def _report_outcome(self, response: Response, *, is_key_sent: bool) -> None:
        """Report what other requests have to know. Of a success they may learn a moment later, so
        the response does not wait for the two round trips to Redis.
        """
        if is_key_sent and _rejects_key(response):
            self._api_key_status.update(rejected=True)
        if response.status >= 500:
            self._throttle.report_failure()
        else:
            is_key_accepted = is_key_sent and response.is_success
            gevent.spawn(self._report_success, is_key_accepted=is_key_accepted)
        seconds = pause_seconds(response.status, response.headers)
        if seconds:
            self._throttle.pause(seconds)

    def _report_success(self, *, is_key_accepted: bool) -> None:
        self._throttle.report_success()
        if is_key_accepted:
            self._api_key_status.update(rejected=False)

    def _parse(self, response: Response, *, is_write: bool) -> Any:
        """Return the JSON of a 2xx response. Raises VideskError."""
        status = response.status
        is_refused = 400 <= status < 500 or status == 503
        outcome_unknown = is_write and not is_refused
        invalid = VideskInvalidResponseError(outcome_unknown=outcome_unknown)
        if len(response.body) > MAX_RESPONSE_BYTES:
            raise invalid
        content_type = response.headers.get("Content-Type")
        forwarded = {
            name: response.headers[name] for name in FORWARDED_HEADERS if name in response.headers
        }
        try:
            value = strict_json.loads(response.body)
        except ValueError as error:
            raise invalid from error
        texts = [response.body.decode(), content_type or "", *forwarded.values()]
        if any(map(self._contains_key, texts)):
            raise invalid
        if response.is_success and not is_too_deep(value):
            return value
        if 400 <= status < 600:
            raise VideskResponseError(status, response.body, content_type, forwarded)
        raise invalid

    def _contains_key(self, text: str) -> bool:
        """Whether a JSON text or a header contains the API key, escaped or not."""
        return self._key in text or ("\\" in text and bool(self._key_spellings.search(text)))


def _rejects_key(response: Response) -> bool:
    """Whether the key itself is rejected, not only for one endpoint.

    See https://github.com/videsk/developers-docs-es/blob/HEAD/api-publica/autorizacion.md
    """
    return response.status == 401 or (
        response.status == 403 and b"have access to" not in response.body
    )
