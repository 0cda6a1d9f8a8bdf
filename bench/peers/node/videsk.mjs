// Requests to Videsk, cached in Redis, for Express and Fastify. Only a 200 is stored, as text, and in
// each worker concurrent reads of one key share a request.

import { Redis } from "ioredis";
import { Pool } from "undici";

const { VIDESK_BASE_URL, VIDESK_API_KEY, REDIS_URL, SERVICES_TTL, DATES_TTL, HOURS_TTL } = process.env;
const BASE = "/public/video-contact-center";
const TTLS = { services: Number(SERVICES_TTL), dates: Number(DATES_TTL), hours: Number(HOURS_TTL) };

export const ORIGIN = process.env.CORS_ORIGINS;
export const PORT = Number(process.env.PORT);
export const LIMIT = { max: parseInt(process.env.CLIENT_RATE_LIMIT), windowMs: 60_000 };
export const redis = new Redis(REDIS_URL, { enableAutoPipelining: true });

const pool = new Pool(VIDESK_BASE_URL, { headersTimeout: 10_000, bodyTimeout: 10_000 });
const underWay = new Map();

export const services = () => cached("services", `${BASE}/services?%24limit=50`);

export function times(kind, id, what, { date, timezone }) {
  const query = new URLSearchParams({ date, timezone });
  return cached(what, `${BASE}/${kind}/${id}/${what}?${query}`);
}

export function book(kind, id, booking) {
  const path = `${BASE}/schedule/${kind.slice(0, -1)}/${id}`;
  return ask("POST", path, JSON.stringify(booking));
}

async function cached(what, path) {
  const kept = await redis.get(path);
  if (kept !== null) return { status: 200, body: kept };
  if (!underWay.has(path)) {
    underWay.set(path, fetchAndKeep(what, path).finally(() => underWay.delete(path)));
  }
  return underWay.get(path);
}

async function fetchAndKeep(what, path) {
  const answer = await ask("GET", path);
  if (answer.status === 200) await redis.set(path, answer.body, "EX", TTLS[what]);
  return answer;
}

async function ask(method, path, body) {
  const headers = { authorization: `Bearer ${VIDESK_API_KEY}`, "content-type": "application/json" };
  try {
    const answer = await pool.request({ method, path, headers, body });
    return { status: answer.statusCode, body: await answer.body.text() };
  } catch {
    return { status: 502, body: '{"message":"Videsk does not respond"}' };
  }
}
