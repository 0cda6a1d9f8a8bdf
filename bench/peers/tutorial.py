"""The proxy as in tutorials: Flask with an extension for each feature."""

import os

import requests
from flask import Flask, Response, jsonify, request
from flask_caching import Cache
from flask_cors import CORS
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address

VIDESK = f"{os.environ['VIDESK_BASE_URL']}/public/video-contact-center"
VIDESK_SECONDS = 10

app = Flask(__name__)
CORS(app, origins=[os.environ["CORS_ORIGINS"]])
cache = Cache(app, config={"CACHE_TYPE": "RedisCache", "CACHE_REDIS_URL": os.environ["REDIS_URL"]})
Limiter(
    get_remote_address,
    app=app,
    storage_uri=os.environ["REDIS_URL"],
    default_limits=[os.environ["CLIENT_RATE_LIMIT"]],
)
videsk = requests.Session()
videsk.headers["Authorization"] = f"Bearer {os.environ['VIDESK_API_KEY']}"


@app.get("/api/services")
@cache.cached(timeout=int(os.environ["SERVICES_TTL"]))
def services() -> Response:
    response = videsk.get(f"{VIDESK}/services", params={"$limit": 50}, timeout=VIDESK_SECONDS)
    response.raise_for_status()
    return jsonify(response.json()["data"])


@app.get("/api/<any(services, users):kind>/<record_id>/dates")
@cache.cached(timeout=int(os.environ["DATES_TTL"]), query_string=True)
def dates(kind: str, record_id: str) -> Response:
    return _times(kind, record_id, "dates")


@app.get("/api/<any(services, users):kind>/<record_id>/hours")
@cache.cached(timeout=int(os.environ["HOURS_TTL"]), query_string=True)
def hours(kind: str, record_id: str) -> Response:
    return _times(kind, record_id, "hours")


@app.post("/api/<any(services, users):kind>/<record_id>/appointments")
def book(kind: str, record_id: str) -> tuple[Response, int]:
    url = f"{VIDESK}/schedule/{kind.removesuffix('s')}/{record_id}"
    response = videsk.post(url, json=request.get_json(), timeout=VIDESK_SECONDS)
    return jsonify(response.json()), response.status_code


@app.errorhandler(requests.HTTPError)
def refused(error: requests.HTTPError) -> tuple[str, int, dict[str, str]]:
    """Pass on Videsk's errors, which are not cached."""
    return error.response.text, error.response.status_code, {"Content-Type": "application/json"}


@app.errorhandler(requests.RequestException)
def unreachable(_error: requests.RequestException) -> tuple[Response, int]:
    return jsonify(message="Videsk does not respond"), 502


def _times(kind: str, record_id: str, read: str) -> Response:
    response = videsk.get(
        f"{VIDESK}/{kind}/{record_id}/{read}",
        params={name: request.args[name] for name in ("date", "timezone")},
        timeout=VIDESK_SECONDS,
    )
    response.raise_for_status()
    return jsonify(response.json())
