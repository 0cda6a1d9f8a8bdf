/** What one call may do differently from the others, and what it returns besides the data. */

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { VideskProxy, VideskProxyError } from "../dist/index.js";
import { between, hang, passOn, say } from "./between.mjs";
import { bookingOfJohn, JOHN, PROXY_URL, reset, SERVICE, videsk, workingDay, ZONE } from "./setting.mjs";

const AGAIN = say(503, {}, { "X-Error-Source": "proxy", "Retry-After": "0" });

beforeEach(reset);

test("retries of one call, more or fewer than the client's", async () => {
  for (const [ofClient, ofCall, sent] of [[2, 0, 1], [0, 3, 4], [1, undefined, 2]]) {
    const { url, requests } = await between(AGAIN, AGAIN, AGAIN, AGAIN);
    const proxy = new VideskProxy(url, { retries: ofClient });
    await assert.rejects(proxy.services({ retries: ofCall }), { status: 503 });
    assert.equal(requests.length, sent);
  }
});

test("timeoutSeconds of one call, shorter or longer than the client's", async () => {
  const { url, requests } = await between(hang);
  const start = performance.now();
  await assert.rejects(new VideskProxy(url).services({ timeoutSeconds: 0.1, retries: 0 }), { status: 0 });
  assert.ok(performance.now() - start < 5000);
  assert.equal(requests.length, 1);

  const slow = (...exchange) => setTimeout(() => passOn(...exchange), 300);
  const late = await between(slow);
  const patient = new VideskProxy(late.url, { timeoutSeconds: 0.1, retries: 0 });
  assert.ok((await patient.services({ timeoutSeconds: 20 })).length > 10);
});

test("a POST takes them too, and keeps its key", async () => {
  const booking = await bookingOfJohn();
  const { url, requests } = await between(hang);
  const booked = await new VideskProxy(url, { retries: 0 }).book("users", JOHN, booking, { timeoutSeconds: 1, retries: 1 });
  assert.equal(booked.startAt, booking.startAt);
  assert.equal(new Set(requests.map(({ headers }) => headers["idempotency-key"])).size, 1);
  assert.equal(requests.length, 2);
});

test("metadata: the request's id, and how a read was served", async () => {
  const { url, requests } = await between();
  const day = { date: workingDay(), timezone: ZONE };
  const { data, metadata } = await new VideskProxy(url).hours("users", JOHN, day).withMetadata();
  assert.deepEqual(data, await videsk.hours("users", JOHN, day));
  assert.match(metadata.requestId, /^[0-9a-f]{32}$/);
  assert.match(metadata.cacheStatus, /^videsk-proxy; (hit|fwd=miss)/);
  assert.equal(metadata.asOf, undefined);
  assert.equal(requests.length, 1, "it is the same request");
});

test("metadata of an availability: as of when", async () => {
  const query = { date: workingDay(), timezone: ZONE, days: 1 };
  const { data, metadata } = await videsk.availability("services", SERVICE, query).withMetadata();
  assert.equal(metadata.asOf, data.asOf);
  assert.ok(Math.abs(Date.parse(metadata.asOf) - Date.now()) < 60_000);
});

test("metadata of a booking: an id, and no cache", async () => {
  const { data, metadata } = await videsk.book("users", JOHN, await bookingOfJohn()).withMetadata();
  assert.ok(data.actionToken);
  assert.ok(metadata.requestId);
  assert.equal(metadata.cacheStatus, undefined);
});

test("a promise with metadata is a promise: of the data", async () => {
  const call = videsk.services();
  assert.ok(call instanceof Promise);
  const [direct, { data }] = await Promise.all([call, call.withMetadata()]);
  assert.equal(direct, data);
});

test("an error rejects both, and is unhandled in neither", async () => {
  const failures = [];
  const note = (reason) => failures.push(reason);
  process.on("unhandledRejection", note);
  const proxy = new VideskProxy(PROXY_URL, { retries: 0 });
  const bad = { date: "nonsense", timezone: ZONE };
  await assert.rejects(proxy.hours("users", JOHN, bad), VideskProxyError);
  await assert.rejects(proxy.hours("users", JOHN, bad).withMetadata(), VideskProxyError);
  await new Promise(setImmediate);
  process.off("unhandledRejection", note);
  assert.deepEqual(failures, []);
});

test("what cannot be sent rejects, and does not throw", async () => {
  await assert.rejects(videsk.cancel("a token\nof two lines"), TypeError);
  await assert.rejects(videsk.cancel("a.b.c", {}, { idempotencyKey: "ñandú €" }), TypeError);
});
