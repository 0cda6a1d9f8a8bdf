/** Every call, against the running proxy. */

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { newIdempotencyKey, VideskProxy, VideskProxyError } from "../dist/index.js";
import { between } from "./between.mjs";
import {
  appointments, bookingOfJohn, bookSoon, FORM, JOHN, journal, MARK, PROXY_URL, reset, SEGMENT, SERVICE, videsk, workingDay, ZONE,
} from "./setting.mjs";

const DAY = { date: workingDay(), timezone: ZONE };
const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

beforeEach(reset);

test("services: all of them", async () => {
  const services = await videsk.services();
  assert.ok(services.length > 10, "more than one page of Videsk's");
  const [first] = services;
  assert.equal(first.id, SERVICE);
  assert.equal(first.title, "Asesoría hipotecaria");
  assert.equal(first.automatic, false);
  assert.deepEqual(first.users[0], { id: JOHN, firstname: "Juan", lastname: "Rivera" });
});

for (const [kind, id] of [["services", SERVICE], ["users", JOHN]]) {
  test(`dates, hours and availability of ${kind} agree`, async () => {
    const month = { date: DAY.date.slice(0, 7), timezone: ZONE };
    const dates = await videsk.dates(kind, id, month);
    const hours = await videsk.hours(kind, id, DAY);
    assert.ok(dates.length > 1 && hours.length > 10);
    for (const instant of [...dates, ...hours]) assert.match(instant, INSTANT);
    const { days, complete } = await videsk.availability(kind, id, { ...DAY, days: 2 });
    assert.deepEqual([Object.keys(days).length, complete], [2, true]);
    assert.deepEqual(days[DAY.date], hours);
  });

  test(`next of ${kind}: so many hours, the soonest first`, async () => {
    const three = await videsk.next(kind, id, { timezone: ZONE });
    const five = await videsk.next(kind, id, { timezone: ZONE, limit: 5 });
    assert.equal(three.length, 3);
    assert.deepEqual(five.slice(0, 3), three);
    assert.deepEqual([...five].sort(), five);
  });
}

test("form: the fields to show, of both versions", async () => {
  const { form, provider } = await videsk.form(SEGMENT);
  assert.equal(provider, "turnstile");
  assert.notDeepEqual((await videsk.form(SEGMENT, { version: "contact" })).form, form);
  assert.ok(form.some(({ id }) => id === FORM[1]._id));
});

test("book a user's hour: once, and it is gone", async () => {
  const booking = await bookingOfJohn();
  const booked = await videsk.book("users", JOHN, booking);
  assert.equal(booked.startAt, booking.startAt);
  assert.equal(booked.service, "Asesoría hipotecaria");
  assert.ok(booked.accessToken && booked.actionToken);
  assert.deepEqual((await appointments()).map(({ user }) => user), [JOHN]);
  assert.ok(!(await videsk.hours("users", JOHN, DAY)).includes(booking.startAt));
});

test("book by service, look at it, move it, cancel it", async () => {
  const booked = await bookSoon();
  const appointment = await videsk.appointment(booked.accessToken);
  assert.equal(appointment.startAt, booked.startAt);
  assert.equal(appointment.status, "pending");
  const later = new Date(Date.parse(booked.startAt) + 3_600_000).toISOString();
  const moved = await videsk.reschedule(booked.actionToken, { date: later });
  assert.equal(moved.startAt, later);
  const canceled = await videsk.cancel(moved.actionToken, { cancelReason: "Only trying" });
  assert.deepEqual(Object.keys(canceled).sort(), ["message", "service"]);
  assert.match((await journal()).at(-1).body, /Only trying/);
});

test("cancel takes no reason too", async () => {
  const { actionToken } = await bookSoon();
  assert.equal((await videsk.cancel(actionToken)).service, "Atención inmediata");
});

test("a conflict names the hours that are free", async () => {
  const booking = await bookingOfJohn();
  await videsk.book("users", JOHN, booking);
  const conflict = await videsk.book("users", JOHN, booking).catch((error) => error);
  assert.ok(conflict instanceof VideskProxyError);
  assert.ok(conflict.alternate.startsWith(`${PROXY_URL}/api/users/${JOHN}/hours?`));
  const free = await videsk.alternatives(conflict);
  assert.deepEqual(free, await videsk.hours("users", JOHN, DAY));
  assert.ok(free.length > 10 && !free.includes(booking.startAt));
});

test("an error without alternatives has none to ask for", async () => {
  const error = await videsk.dates("services", SERVICE, { date: "nonsense", timezone: ZONE }).catch((it) => it);
  await assert.rejects(videsk.alternatives(error), TypeError);
});

test("the same key books once, and returns the first answer again; without one each call books", async () => {
  const booking = await bookingOfJohn();
  const idempotencyKey = newIdempotencyKey();
  const first = await videsk.book("users", JOHN, booking, { idempotencyKey });
  assert.deepEqual(await videsk.book("users", JOHN, booking, { idempotencyKey }), first);
  assert.equal((await appointments()).length, 1);
  await assert.rejects(videsk.book("users", JOHN, booking), { status: 409 });
});

test("each new key is another, and fits the proxy", () => {
  const keys = Array.from({ length: 1000 }, newIdempotencyKey);
  assert.equal(new Set(keys).size, 1000);
  for (const key of keys) assert.match(key, /^[0-9a-f]{32}$/);
});

test("it needs nothing that React Native may lack", async (context) => {
  const lacking = [
    ...["crypto", "DOMException", "URL", "URLSearchParams"].map((name) => [globalThis, name]),
    ...["any", "timeout"].map((name) => [AbortSignal, name]),
    [AbortSignal.prototype, "throwIfAborted"],
  ];
  for (const [owner, name] of lacking) {
    const own = Object.getOwnPropertyDescriptor(owner, name);
    if (own) context.after(() => Object.defineProperty(owner, name, own));
    delete owner[name];
  }
  assert.equal(globalThis.crypto, undefined);
  assert.match(newIdempotencyKey(), /^[0-9a-f]{32}$/);
  assert.notEqual(newIdempotencyKey(), newIdempotencyKey());
  const answers = [{ status: 503, text: "" }, { status: 200, text: '["booked"]' }];
  const fetch = async () => {
    const { status, text } = answers.shift();
    return { status, headers: new Headers(), text: async () => text };
  };
  const call = { signal: new AbortController().signal };
  assert.deepEqual(await new VideskProxy("http://a.example", { fetch }).book("users", JOHN, {}, call), ["booked"]);
});

/** As if the calls were made on a page of this address. */
function visit(context, address) {
  const { href, protocol, origin, pathname } = new URL(address);
  Object.defineProperty(globalThis, "location", { value: { href, protocol, origin, pathname }, configurable: true });
  context.after(() => delete globalThis.location);
}

/** The `referrer` that each booking of `bookings` is sent with. */
async function referrersOf(...bookings) {
  const referrers = [];
  const fetch = async (_, { body }) => (referrers.push(JSON.parse(body).referrer), Response.json({}));
  const proxy = new VideskProxy("http://a.example", { fetch });
  for (const booking of bookings) await proxy.book("users", JOHN, booking);
  return referrers;
}

test("a page's bookings lead back to it: its address without query and fragment", async (context) => {
  visit(context, "https://shop.example:8443/reservas/hoy?v-schedule-auth=secret#top");
  assert.deepEqual(await referrersOf({ startAt: "x" }, { referrer: undefined }), Array(2).fill("https://shop.example:8443/reservas/hoy"));
});

test("a referrer of one's own is kept", async (context) => {
  visit(context, "https://shop.example/reservas");
  assert.deepEqual(await referrersOf({ referrer: "summer" }, { referrer: "" }), ["summer", ""]);
});

test("without a web page there is no referrer: in Node, React Native, a file, an app's own scheme", async (context) => {
  assert.equal(globalThis.location, undefined);
  assert.deepEqual(await referrersOf({}), [undefined]);
  for (const address of ["file:///home/a/page.html", "capacitor://localhost/index.html", "about:srcdoc", "blob:https://a.example/1"]) {
    visit(context, address);
    assert.deepEqual(await referrersOf({}), [undefined], address);
  }
});

test("only a booking has a referrer", async (context) => {
  visit(context, "https://shop.example/reservas");
  const bodies = [];
  const fetch = async (_, { body }) => (bodies.push(body), Response.json({}));
  const proxy = new VideskProxy("http://a.example", { fetch });
  await proxy.cancel("a.b.c");
  await proxy.reschedule("a.b.c", { date: "x" });
  assert.deepEqual(bodies, ["{}", '{"date":"x"}']);
});

test("fetch is looked up at each attempt, so that one that is put in place later is used", async (context) => {
  const proxy = new VideskProxy("http://a.example");
  const busy = async () => ((answer = done), Response.json({}, { status: 503, headers: { "Retry-After": "0" } }));
  const done = async () => Response.json(["a"]);
  let answer = busy;
  const own = Object.getOwnPropertyDescriptor(globalThis, "fetch");
  context.after(() => Object.defineProperty(globalThis, "fetch", own));
  Object.defineProperty(globalThis, "fetch", { get: () => answer, configurable: true });
  assert.deepEqual(await proxy.services(), ["a"]);
});

test("an appointment's token goes with its own calls alone; a key with POSTs alone; never a cookie", async () => {
  const { url, requests } = await between();
  const proxy = new VideskProxy(url);
  const { actionToken } = await proxy.book("users", JOHN, await bookingOfJohn());
  await proxy.hours("users", JOHN, DAY);
  await proxy.cancel(actionToken);
  const seen = requests.map(({ method, headers }) => [
    method, headers.authorization, "idempotency-key" in headers, headers.cookie,
  ]);
  assert.deepEqual(seen, [
    ["POST", undefined, true, undefined],
    ["GET", undefined, false, undefined],
    ["POST", `Bearer ${actionToken}`, true, undefined],
  ]);
});

test("a base URL may end with slashes and have a path; ids stay within their segment", async () => {
  const sent = [];
  const fetch = async (url, { credentials }) => {
    sent.push([url, credentials]);
    return Response.json([]);
  };
  for (const base of ["http://a.example", "http://a.example/", "http://a.example/shop//", ""]) {
    await new VideskProxy(base, { fetch }).dates("users", "../a b?", { date: "2026-12", timezone: "Etc/GMT+3" });
  }
  const path = "/api/users/..%2Fa%20b%3F/dates?date=2026-12&timezone=Etc%2FGMT%2B3";
  assert.deepEqual(sent, [
    [`http://a.example${path}`, "omit"],
    [`http://a.example${path}`, "omit"],
    [`http://a.example/shop${path}`, "omit"],
    [path, "omit"],
  ]);
});

test("alternates lie under the base URL's path", async () => {
  const link = '</api/users/1/hours?date=x>; rel="alternate"';
  const fetch = async () => Response.json({}, { status: 409, headers: { Link: link } });
  const error = await new VideskProxy("http://a.example/shop/", { fetch }).services().catch((it) => it);
  assert.equal(error.alternate, "http://a.example/shop/api/users/1/hours?date=x");
});

test("parameters that are left out are not sent", async () => {
  let sent;
  const fetch = async (url) => ((sent = url), Response.json([]));
  const proxy = new VideskProxy("http://a.example", { fetch });
  await proxy.next("users", MARK, { timezone: "UTC", limit: undefined });
  assert.ok(sent.endsWith("?timezone=UTC"));
  await proxy.form(SEGMENT);
  assert.ok(!sent.includes("?"));
});
