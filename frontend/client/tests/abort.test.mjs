/** A signal ends a call wherever it is. */

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { VideskProxy } from "../dist/index.js";
import { between, hang, say } from "./between.mjs";
import { PROXY_URL, reset, videsk } from "./setting.mjs";

const REASON = new Error("the customer went elsewhere");

beforeEach(reset);

/** The reason that the call rejects with, and how long that took from the abort on. */
async function abortedAfter(milliseconds, call, ...reason) {
  const controller = new AbortController();
  let abortedAt;
  setTimeout(() => {
    abortedAt = performance.now();
    controller.abort(...reason);
  }, milliseconds);
  const thrown = await call(controller.signal).catch((it) => it);
  return { thrown, seconds: (performance.now() - abortedAt) / 1000 };
}

test("before it: nothing is sent", async () => {
  const { url, requests } = await between();
  const signal = AbortSignal.abort(REASON);
  assert.equal(await new VideskProxy(url).services({ signal }).catch((it) => it), REASON);
  assert.equal(requests.length, 0);
});

test("while fetching: rejected with its reason, not tried again", async () => {
  for (const act of [(proxy, call) => proxy.services(call), (proxy, call) => proxy.cancel("a.b.c", {}, call)]) {
    const { url, requests } = await between(hang, hang);
    const { thrown, seconds } = await abortedAfter(100, (signal) => act(new VideskProxy(url), { signal }), REASON);
    assert.equal(thrown, REASON);
    assert.ok(seconds < 0.5, `${seconds} s`);
    await new Promise((resolve) => setTimeout(resolve, 700));
    assert.equal(requests.length, 1);
  }
});

test("while the body comes", async () => {
  const { url } = await between((_, response) => response.writeHead(200).write("["));
  const { thrown } = await abortedAfter(100, (signal) => new VideskProxy(url).services({ signal }), REASON);
  assert.equal(thrown, REASON);
});

test("while fetching, where fetch does not notice it", async () => {
  const deaf = { fetch: () => new Promise(() => {}), retries: 0 };
  const { thrown } = await abortedAfter(50, (signal) => new VideskProxy(PROXY_URL, deaf).services({ signal }), REASON);
  assert.equal(thrown, REASON);
  const late = await new VideskProxy(PROXY_URL, { ...deaf, timeoutSeconds: 0.05 }).services().catch((it) => it);
  assert.equal(late.cause.message, "not within 0.05 s");
});

test("while waiting for Retry-After", async () => {
  const { url, requests } = await between(say(503, {}, { "Retry-After": "9" }));
  const { thrown, seconds } = await abortedAfter(200, (signal) => new VideskProxy(url).services({ signal }), REASON);
  assert.equal(thrown, REASON);
  assert.ok(seconds < 0.5, `${seconds} s`);
  assert.equal(requests.length, 1);
});

test("without a reason of one's own it is an AbortError, as fetch has it", async () => {
  const { url } = await between(hang);
  const { thrown } = await abortedAfter(50, (signal) => new VideskProxy(url).services({ signal }));
  assert.equal(thrown.name, "AbortError");
});

test("a signal of a platform without reasons makes an AbortError too", async () => {
  const signal = new EventTarget();
  signal.aborted = true;
  const thrown = await videsk.services({ signal }).catch((it) => it);
  assert.equal(thrown.name, "AbortError");
});

test("an end that came too late changes nothing, and nothing is left listening", async () => {
  const controller = new AbortController();
  const { signal } = controller;
  let listening = 0;
  for (const [name, step] of [["addEventListener", 1], ["removeEventListener", -1]]) {
    const method = signal[name].bind(signal);
    signal[name] = (...call) => ((listening += step), method(...call));
  }
  const { url } = await between(say(503, {}, { "Retry-After": "0" }));
  assert.ok((await new VideskProxy(url).services({ signal })).length > 10);
  assert.equal(listening, 0);
  controller.abort();
});

test("a longer time than timers can take is long, not none", async () => {
  const proxy = new VideskProxy(PROXY_URL, { timeoutSeconds: Infinity, longestWaitSeconds: Infinity });
  assert.ok((await proxy.services()).length > 10);
  const { url, requests } = await between(say(503, {}, { "Retry-After": "9999999" }));
  const patient = new VideskProxy(url, { longestWaitSeconds: Infinity });
  const { thrown } = await abortedAfter(200, (signal) => patient.services({ signal }), REASON);
  assert.equal(thrown, REASON);
  assert.equal(requests.length, 1);
});
