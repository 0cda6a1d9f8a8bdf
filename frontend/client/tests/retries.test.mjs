/** What is tried again, when, and what never is. */

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { VideskProxy } from "../dist/index.js";
import { between, breakOff, hang, loseTheAnswer, unreachable, passOn, refuse, say } from "./between.mjs";
import {
  appointments, bookingOfJohn, bookSoon, fault, JOHN, journal, reset, videsk,
} from "./setting.mjs";

const FROM_PROXY = { "X-Error-Source": "proxy" };
const FROM_VIDESK = { "X-Error-Source": "videsk" };
const AT_ONCE = { "Retry-After": "0" };
const UNKNOWN = { name: "GatewayTimeout", message: "?", code: 504, className: "gateway-timeout", data: "outcomeUnknown" };

beforeEach(reset);

async function secondsOf(action) {
  const start = performance.now();
  await action();
  return (performance.now() - start) / 1000;
}

test("Retry-After of Videsk's 429 is waited for, and then it works", async () => {
  await fault({ fault: "status", path: "/services", status: 429, body: {}, headers: { "Retry-After": "1" }, times: 1 });
  const { url, requests } = await between();
  const seconds = await secondsOf(() => new VideskProxy(url).services());
  assert.ok(seconds >= 1 && seconds < 4, `${seconds} s`);
  assert.equal(requests.length, 2);
});

test("a booking too: the same key, one appointment", async () => {
  const booking = await bookingOfJohn();
  await fault({ fault: "status", method: "POST", status: 429, body: {}, headers: { "Retry-After": "1" }, times: 1 });
  const { url, requests } = await between();
  const seconds = await secondsOf(() => new VideskProxy(url).book("users", JOHN, booking));
  assert.ok(seconds >= 1 && seconds < 4, `${seconds} s`);
  assert.equal(requests.length, 2);
  assert.equal(new Set(requests.map(({ headers }) => headers["idempotency-key"])).size, 1);
  assert.equal((await appointments()).length, 1);
});

test("a longer Retry-After than is waited for is thrown immediately", async () => {
  const { url, requests } = await between(say(503, {}, { ...FROM_PROXY, "Retry-After": "11" }));
  const seconds = await secondsOf(() =>
    assert.rejects(new VideskProxy(url).services(), { status: 503, retryAfterSeconds: 11 }),
  );
  assert.ok(seconds < 1, `${seconds} s`);
  assert.equal(requests.length, 1);
});

for (const [status, headers] of [[429, FROM_PROXY], [502, FROM_PROXY], [503, FROM_PROXY], [504, FROM_PROXY], [502, {}]]) {
  test(`a read is tried again after ${status} of ${headers["X-Error-Source"] ?? "whatever lies between"}`, async () => {
    const again = say(status, {}, { ...headers, ...AT_ONCE });
    const { url, requests } = await between(again, again);
    assert.ok((await new VideskProxy(url).services()).length > 10);
    assert.equal(requests.length, 3);
  });
}

test("a read is tried again when there was no answer, half of one, or none in time", async () => {
  for (const play of [refuse, breakOff, hang]) {
    const { url, requests } = await between(play);
    assert.ok((await new VideskProxy(url, { timeoutSeconds: 1 }).services()).length > 10);
    assert.equal(requests.length, 2, play.name);
  }
});

test("the number of retries is one's own to say; the last error is thrown", async () => {
  for (const retries of [0, 1, 3]) {
    const again = say(503, {}, { ...FROM_PROXY, ...AT_ONCE });
    const { url, requests } = await between(again, again, again, again);
    await assert.rejects(new VideskProxy(url, { retries }).services(), { status: 503 });
    assert.equal(requests.length, retries + 1);
  }
});

for (const [chance, waits] of [[0, [500, 800]], [1, [250, 500]]]) {
  test(`without a Retry-After the waits double, up to the longest; at chance ${chance}: ${waits} ms`, async (context) => {
    context.mock.method(Math, "random", () => chance);
    const times = [];
    const fetch = async () => {
      times.push(performance.now());
      return Response.json({}, { status: 503 });
    };
    await assert.rejects(new VideskProxy("", { fetch, longestWaitSeconds: 0.8 }).services(), { status: 503 });
    assert.equal(times.length, 3);
    waits.forEach((wait, index) => {
      const waited = times[index + 1] - times[index];
      assert.ok(waited > wait - 5 && waited < wait + 200, `${index}: ${waited} ms`);
    });
  });
}

test("an answer that is final is not requested again", async () => {
  for (const status of [400, 401, 404, 409, 422, 500]) {
    const { url, requests } = await between(say(status, {}, { ...FROM_PROXY, ...AT_ONCE }));
    await assert.rejects(new VideskProxy(url).services(), { status });
    assert.equal(requests.length, 1, `${status}`);
  }
});

test("a booking whose answer was lost is sent again, booked once, and its first answer returned", async () => {
  const booking = await bookingOfJohn();
  const { url, requests } = await between(loseTheAnswer, loseTheAnswer);
  const booked = await new VideskProxy(url).book("users", JOHN, booking);
  assert.equal(booked.startAt, booking.startAt);
  assert.equal(requests.length, 3);
  assert.equal(new Set(requests.map(({ headers }) => headers["idempotency-key"])).size, 1);
  assert.equal(new Set(requests.map(({ text }) => text)).size, 1);
  assert.equal((await appointments()).length, 1);
});

test("a move and a cancellation too", async () => {
  const { actionToken, startAt } = await bookSoon();
  const date = new Date(Date.parse(startAt) + 3_600_000).toISOString();
  const { url } = await between(loseTheAnswer, passOn, loseTheAnswer);
  const proxy = new VideskProxy(url);
  const moved = await proxy.reschedule(actionToken, { date });
  assert.equal(moved.startAt, date);
  assert.equal((await proxy.cancel(moved.actionToken)).service, "Atención inmediata");
  const posts = (await journal()).filter(({ method }) => method === "POST");
  assert.equal(posts.length, 3, "booked, moved, canceled");
});

test("a booking of which no answer ever came may have happened: its key shows it", async () => {
  const booking = await bookingOfJohn();
  const { url, requests } = await between(loseTheAnswer, refuse, refuse);
  const error = await new VideskProxy(url).book("users", JOHN, booking).catch((it) => it);
  assert.equal(error.outcomeUnknown, true);
  assert.equal(error.idempotencyKey, requests[0].headers["idempotency-key"]);
  const { idempotencyKey } = error;
  const booked = await videsk.book("users", JOHN, booking, { idempotencyKey });
  assert.equal(booked.startAt, booking.startAt);
  assert.equal((await appointments()).length, 1);
});

test("what an earlier attempt may have done, a later refusal does not undo", async () => {
  const booking = await bookingOfJohn();
  for (const status of [429, 503]) {
    const { url } = await between(loseTheAnswer, say(status, {}, { ...FROM_PROXY, "Retry-After": "60" }));
    await assert.rejects(new VideskProxy(url).book("users", JOHN, booking), { status, outcomeUnknown: true });
  }
  const other = await between(refuse, say(409, {}, FROM_VIDESK));
  await assert.rejects(new VideskProxy(other.url).book("users", JOHN, booking), { status: 409, outcomeUnknown: false });
});

test("no server listens: the same", async () => {
  const error = await new VideskProxy(await unreachable()).book("users", JOHN, {}).catch((it) => it);
  assert.deepEqual([error.status, error.source, error.outcomeUnknown], [0, "network", true]);
  assert.match(error.idempotencyKey, /^[0-9a-f]{32}$/);
});

test("a POST is tried again where nothing was sent, and where its key makes it safe", async () => {
  for (const [status, headers] of [[429, FROM_PROXY], [502, FROM_PROXY], [503, FROM_PROXY], [503, FROM_VIDESK], [502, {}], [504, {}]]) {
    const { url, requests } = await between(say(status, {}, { ...headers, ...AT_ONCE }), say(200, { service: "A" }));
    await new VideskProxy(url).cancel("a.b.c");
    assert.equal(requests.length, 2, `${status} ${JSON.stringify(headers)}`);
  }
});

test("a POST is never tried again where it may have happened, or was refused", async () => {
  const cases = [
    [504, FROM_PROXY, UNKNOWN], [502, FROM_PROXY, UNKNOWN], [503, FROM_PROXY, UNKNOWN],
    [500, FROM_PROXY, {}], [500, FROM_VIDESK, {}], [502, FROM_VIDESK, {}],
    [400, FROM_PROXY, {}], [401, FROM_VIDESK, {}], [409, FROM_VIDESK, {}], [422, FROM_PROXY, {}],
  ];
  for (const [status, headers, body] of cases) {
    const { url, requests } = await between(say(status, body, { ...headers, ...AT_ONCE }));
    await assert.rejects(new VideskProxy(url).cancel("a.b.c"), { status });
    assert.equal(requests.length, 1, `${status} ${JSON.stringify(headers)}`);
  }
});

test("a booking whose outcome is unknown to the proxy is sent once", async () => {
  const booking = await bookingOfJohn();
  await fault({ fault: "close", method: "POST", after: true, times: 1 });
  const error = await videsk.book("users", JOHN, booking).catch((it) => it);
  assert.deepEqual([error.status, error.data, error.outcomeUnknown], [502, "outcomeUnknown", true]);
  const posts = (await journal()).filter(({ method }) => method === "POST");
  assert.equal(posts.length, 1);
  assert.equal((await appointments()).length, 1, "it did happen");
});

test("the hours of a conflict are retried like any read", async () => {
  const booking = await bookingOfJohn();
  await videsk.book("users", JOHN, booking);
  const { url, requests } = await between(passOn, refuse);
  const proxy = new VideskProxy(url);
  const conflict = await proxy.book("users", JOHN, booking).catch((it) => it);
  assert.ok((await proxy.alternatives(conflict)).length > 10);
  assert.equal(requests.length, 3);
});
