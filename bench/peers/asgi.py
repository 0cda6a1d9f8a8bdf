"""FastAPI on uvicorn with uvloop: httpx for Videsk, redis.asyncio for the shared cache and limit.

Limit and cache are a few lines each, because fastapi-cache2 decodes and encodes entries at every
hit, and slowapi blocks the event loop for Redis. Bytes are stored unchanged, and in each worker
concurrent reads of one key share a request.
"""
# mypy: ignore-errors
# Its libraries are in a separate virtual environment.

import asyncio
import os
import time
from contextlib import asynccontextmanager
from typing import Annotated, Literal

import httpx
from fastapi import Depends, FastAPI, HTTPException, Path, Request, Response
from fastapi.middleware.cors import CORSMiddleware
from redis.asyncio import Redis

VIDESK = f"{os.environ['VIDESK_BASE_URL']}/public/video-contact-center/"
LIMIT = int(os.environ["CLIENT_RATE_LIMIT"].removesuffix("/minute"))
TTLS = {what: int(os.environ[f"{what.upper()}_TTL"]) for what in ("services", "dates", "hours")}

Fetched = tuple[bytes, int]
Kind = Literal["services", "users"]
Id = Annotated[str, Path(pattern="^[0-9a-f]{24}$")]

redis = Redis.from_url(os.environ["REDIS_URL"])
videsk = httpx.AsyncClient(
    base_url=VIDESK,
    headers={"Authorization": f"Bearer {os.environ['VIDESK_API_KEY']}"},
    timeout=10,
    limits=httpx.Limits(max_connections=None, max_keepalive_connections=64),
    trust_env=False,
)
in_progress: dict[str, asyncio.Task[Fetched]] = {}


@asynccontextmanager
async def lifespan(_app: FastAPI):
    yield
    await videsk.aclose()
    await redis.aclose()


async def limit(request: Request) -> None:
    """A fixed window of a minute for each client."""
    key = f"limit:{request.client.host}:{int(time.time()) // 60}"
    async with redis.pipeline(transaction=False) as pipe:
        count, _ = await pipe.incr(key).expire(key, 60, nx=True).execute()
    if count > LIMIT:
        raise HTTPException(429)


app = FastAPI(lifespan=lifespan, dependencies=[Depends(limit)])
app.add_middleware(CORSMiddleware, allow_origins=[os.environ["CORS_ORIGINS"]], allow_methods=["*"])


@app.get("/api/services")
async def services() -> Response:
    return await cached("services", TTLS["services"], {"$limit": "50"})


@app.get("/api/{kind}/{record_id}/{read}")
async def times(
    kind: Kind, record_id: Id, read: Literal["dates", "hours"], date: str, timezone: str
) -> Response:
    params = {"date": date, "timezone": timezone}
    return await cached(f"{kind}/{record_id}/{read}", TTLS[read], params)


@app.post("/api/{kind}/{record_id}/appointments")
async def book(kind: Kind, record_id: Id, request: Request) -> Response:
    path = f"schedule/{kind.removesuffix('s')}/{record_id}"
    headers = {"Content-Type": "application/json"}
    response = await videsk.post(path, content=await request.body(), headers=headers)
    return json_response(response.content, response.status_code)


@app.exception_handler(httpx.HTTPError)
async def unreachable(_request: Request, _error: httpx.HTTPError) -> Response:
    return json_response(b'{"message":"Videsk does not respond"}', 502)


async def cached(path: str, ttl: int, params: dict[str, str]) -> Response:
    """Return the response from Redis, or else from Videsk. Only a 200 is stored."""
    key = f"{path}?{httpx.QueryParams(params)}"
    if kept := await redis.get(key):
        return json_response(kept)
    if key not in in_progress:
        in_progress[key] = asyncio.create_task(fetch(path, ttl, params, key))
        in_progress[key].add_done_callback(lambda _: in_progress.pop(key))
    return json_response(*await asyncio.shield(in_progress[key]))


async def fetch(path: str, ttl: int, params: dict[str, str], key: str) -> Fetched:
    response = await videsk.get(path, params=params)
    if response.status_code == 200:
        await redis.set(key, response.content, ex=ttl)
    return response.content, response.status_code


def json_response(content: bytes, status: int = 200) -> Response:
    return Response(content, status, media_type="application/json")
