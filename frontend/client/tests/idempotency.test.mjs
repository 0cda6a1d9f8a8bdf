/** One Idempotency-Key for each decision: kept while a repeat must not book again, else renewed. */

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { isOutcomeUnknown, makeDecision, VideskProxy } from "../dist/index.js";
import { between, loseTheAnswer, refuse, say } from "./between.mjs";
import { appointments, bookingOfJohn, fault, FORM, JOHN, reset, videsk } from "./setting.mjs";

beforeEach(reset);

/** A page's form: what `attempt` books, it books under the key that the helper decides on. */
function makeForm() {
  let decision;
  const keys = [];
  /** The booking, or the error. */
  async function attempt(booking, proxy = videsk) {
    decision = makeDecision({ user: JOHN, booking }, decision);
    keys.push(decision.idempotencyKey);
    try {
      return await proxy.book("users", JOHN, booking, { idempotencyKey: decision.idempotencyKey });
    } catch (error) {
      if (!isOutcomeUnknown(error)) decision = undefined;
      return error;
    }
  }
  return { attempt, keys };
}

test("a form that was refused and corrected is booked at the same hour", async () => {
  const { attempt, keys } = makeForm();
  const booking = await bookingOfJohn();
  const [essential, name, email] = FORM;
  const refused = await attempt({ ...booking, form: [essential, name, { ...email, value: "ana at home" }] });
  assert.deepEqual([refused.status, refused.source], [400, "videsk"]);
  assert.equal((await attempt(booking)).startAt, booking.startAt);
  assert.notEqual(keys[0], keys[1]);
});

test("the same form is a new attempt after a refusal", async () => {
  const { attempt, keys } = makeForm();
  const booking = await bookingOfJohn();
  await fault({ fault: "status", method: "POST", status: 400, body: { message: "Not now" }, times: 1 });
  assert.equal((await attempt(booking)).status, 400);
  assert.equal((await attempt(booking)).startAt, booking.startAt);
  assert.notEqual(keys[0], keys[1]);
});

test("a second click is the same decision", async () => {
  const { attempt } = makeForm();
  const booking = await bookingOfJohn();
  const [first, second] = await Promise.all([attempt(booking), attempt({ ...booking })]);
  assert.deepEqual(second, first);
  assert.deepEqual(await attempt(booking), first);
  assert.equal((await appointments()).length, 1);
});

test("a lost answer is requested again under its key", async () => {
  const { attempt, keys } = makeForm();
  const booking = await bookingOfJohn();
  const { url } = await between(loseTheAnswer, refuse, refuse);
  assert.equal((await attempt(booking, new VideskProxy(url))).outcomeUnknown, true);
  assert.equal((await attempt(booking)).startAt, booking.startAt);
  assert.equal(keys[0], keys[1]);
  assert.equal((await appointments()).length, 1);
});

test("a decision that was stored as JSON goes on under its key", async () => {
  const booking = await bookingOfJohn();
  const decision = makeDecision({ booking, left: undefined });
  const stored = JSON.parse(JSON.stringify(decision));
  assert.equal(makeDecision({ booking, left: undefined }, stored).idempotencyKey, decision.idempotencyKey);
  assert.notEqual(makeDecision({ booking: {} }, stored).idempotencyKey, decision.idempotencyKey);
  assert.match(decision.idempotencyKey, /^[0-9a-f]{32}$/);
});

test("what was refused was not done; what was aborted, or is in doubt, may have been", async () => {
  const outcomes = [
    [say(400, {}, { "X-Error-Source": "videsk" }), false],
    [say(422, {}, { "X-Error-Source": "proxy" }), false],
    [say(504, { data: "outcomeUnknown" }, { "X-Error-Source": "proxy" }), true],
    [refuse, true],
  ];
  for (const [play, isUnknown] of outcomes) {
    const { url } = await between(play);
    const error = await new VideskProxy(url, { retries: 0 }).cancel("a.b.c").catch((it) => it);
    assert.equal(isOutcomeUnknown(error), isUnknown, `${error.status}`);
  }
  const aborted = await videsk.cancel("a.b.c", {}, { signal: AbortSignal.abort() }).catch((it) => it);
  assert.equal(isOutcomeUnknown(aborted), true);
});
