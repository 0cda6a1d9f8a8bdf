/** One class for all errors, with Videsk's fields and ours. */

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { VideskProxy, VideskProxyError } from "../dist/index.js";
import { between, hang, unreachable, say } from "./between.mjs";
import { bookingOfJohn, fault, FORM, JOHN, PROXY_URL, reset, SERVICE, videsk, workingDay, ZONE } from "./setting.mjs";

const ONCE = { retries: 0 };

beforeEach(reset);

/** The error that the promise rejects with. */
async function errorOf(promise) {
  const error = await promise.then(
    () => assert.fail("it did not reject"),
    (reason) => reason,
  );
  assert.ok(error instanceof VideskProxyError, String(error));
  return error;
}

test("Videsk's own", async () => {
  const booking = await bookingOfJohn();
  await videsk.book("users", JOHN, booking);
  const error = await errorOf(videsk.book("users", JOHN, booking, { idempotencyKey: "mine" }));
  assert.equal(error.name, "Conflict");
  assert.equal(error.message, `Sorry, the hour "${booking.startAt}" is unavailable.`);
  assert.deepEqual([error.code, error.className, error.errors], [409, "conflict", {}]);
  assert.deepEqual([error.status, error.source, error.idempotencyKey], [409, "videsk", "mine"]);
  assert.equal(error.outcomeUnknown, false);
  assert.match(error.requestId, /^[0-9a-f]{32}$/);
  assert.equal(String(error), `Conflict: ${error.message}`);
});

test("the proxy's own, with messages for the fields of the body", async () => {
  const booking = { ...(await bookingOfJohn()), form: [{ ...FORM[0], value: "a bot" }] };
  const error = await errorOf(videsk.book("users", JOHN, booking));
  assert.deepEqual([error.status, error.source, error.name], [400, "proxy", "BadRequest"]);
  assert.deepEqual(error.errors, { form: { 0: { value: ["must be empty"] } } });
  const read = await errorOf(videsk.hours("services", SERVICE, { date: "2020-01-01", timezone: ZONE }));
  assert.deepEqual([read.data, read.idempotencyKey, read.outcomeUnknown], ["dateInPast", undefined, false]);
});

test("the code may differ from the status", async () => {
  const body = { name: "NotFound", message: "Not form found", code: 404, className: "not-found", errors: {} };
  await fault({ fault: "status", path: "/services", status: 400, body, times: 1 });
  const error = await errorOf(videsk.services());
  assert.deepEqual([error.status, error.code, error.name], [400, 404, "NotFound"]);
});

test("Videsk's, of no shape", async () => {
  for (const body of [{}, [], null, "no", 7, { name: 1, message: [], code: "x", errors: [] }]) {
    await fault({ fault: "status", path: "/services", status: 418, body, times: 1 });
    const error = await errorOf(videsk.services());
    assert.deepEqual(
      [error.status, error.code, error.name, error.className, error.source, error.errors],
      [418, 418, "UnknownError", "unknown-error", "videsk", {}],
    );
    assert.match(error.message, /418/);
  }
});

test("of whatever lies between", async () => {
  for (const [status, text] of [[200, "<p>Log in to our wifi</p>"], [204, ""], [404, "<p>No</p>"], [200, '{"a":']]) {
    const { url } = await between(say(status, text));
    const error = await errorOf(new VideskProxy(url).services());
    assert.deepEqual([error.status, error.source, error.name], [status, "network", "UnknownError"]);
    assert.equal(error.outcomeUnknown, false, "a read changes nothing");
  }
});

test("no answer at all", async () => {
  const error = await errorOf(new VideskProxy(await unreachable(), ONCE).services());
  assert.deepEqual([error.status, error.code, error.source], [0, 0, "network"]);
  assert.deepEqual([error.name, error.className], ["NetworkError", "network-error"]);
  assert.match(error.message, /^No answer came: fetch failed\.$/);
  assert.ok(error.cause instanceof TypeError);
});

test("no answer in time", async () => {
  const { url } = await between(hang);
  const error = await errorOf(new VideskProxy(url, { ...ONCE, timeoutSeconds: 0.2 }).services());
  assert.deepEqual([error.status, error.name], [0, "NetworkError"]);
  assert.equal(error.message, "No answer came: not within 0.2 s.");
});

test("whether a POST may have happened", async () => {
  const proxy = { "X-Error-Source": "proxy" };
  const fromVidesk = { "X-Error-Source": "videsk" };
  const cases = [
    // nothing was sent, or it was refused
    [503, proxy, {}, false], [502, proxy, {}, false], [429, proxy, {}, false], [400, proxy, {}, false],
    [503, fromVidesk, {}, false], [429, fromVidesk, {}, false], [409, fromVidesk, {}, false], [413, {}, "", false],
    // unknown
    [504, proxy, { data: "outcomeUnknown" }, true], [502, proxy, { data: "outcomeUnknown" }, true],
    [500, proxy, {}, true], [500, fromVidesk, {}, true], [502, fromVidesk, {}, true],
    [502, {}, "<p>Bad gateway</p>", true], [503, {}, "<p>H12</p>", true], [200, {}, "<p>Log in</p>", true],
  ];
  for (const [status, headers, body, unknown] of cases) {
    const { url } = await between(say(status, body, headers));
    const error = await errorOf(new VideskProxy(url, ONCE).cancel("a.b.c"));
    assert.equal(error.outcomeUnknown, unknown, JSON.stringify([status, headers, body]));
  }
  assert.equal((await errorOf(new VideskProxy(await unreachable(), ONCE).cancel("a.b.c"))).outcomeUnknown, true);
});

test("Retry-After in seconds, as a date, and as neither", async () => {
  const inAMinute = new Date(Date.now() + 60_000).toUTCString();
  for (const [header, least, most] of [["7", 7, 7], ["0", 0, 0], [inAMinute, 55, 60], ["Sat, 01 Jan 2000 00:00:00 GMT", 0, 0]]) {
    const { url } = await between(say(503, {}, { "Retry-After": header }));
    const { retryAfterSeconds } = await errorOf(new VideskProxy(url, ONCE).services());
    assert.ok(retryAfterSeconds >= least && retryAfterSeconds <= most, `${header}: ${retryAfterSeconds}`);
  }
  const { url } = await between(say(503, {}, { "Retry-After": "soon" }));
  assert.equal((await errorOf(new VideskProxy(url, ONCE).services())).retryAfterSeconds, undefined);
});

test("what could never be sent is thrown as fetch throws it, and not tried", async () => {
  const { url, requests } = await between();
  await assert.rejects(new VideskProxy(url).cancel("two\nlines"), TypeError);
  await assert.rejects(new VideskProxy(url).cancel("a.b.c", {}, { idempotencyKey: "two\nlines" }), TypeError);
  assert.equal(requests.length, 0);
});

test("a page reads Retry-After and all others across origins: the proxy exposes them", async () => {
  const response = await fetch(`${PROXY_URL}/api/services`, { headers: { Origin: "https://shop.example" } });
  const exposed = response.headers.get("Access-Control-Expose-Headers").split(", ");
  for (const name of ["X-Request-ID", "X-Error-Source", "Retry-After", "Link"]) assert.ok(exposed.includes(name), name);
});
