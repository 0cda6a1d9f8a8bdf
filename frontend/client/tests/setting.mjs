/** The running sandbox and proxy (their URLs are in the environment), and what its seed holds. */

import { VideskProxy } from "../dist/index.js";

export const PROXY_URL = process.env.VIDESK_PROXY_URL;
export const SANDBOX_URL = process.env.SANDBOX_URL;

export const SERVICE = "63bdbf49394aad976d4aa43b";
/** Has a slot every five minutes, day and night. */
export const OPEN_SERVICE = "63bdbf49394aad976d4aa4ff";
export const SEGMENT = "63bdbf49394aad976d4aa5aa";
export const JOHN = "63bdbf3230013a2792550a1c";
export const MARK = "63bdbf3b25ab497401602d07";
export const ZONE = "America/Santiago";
export const FORM = [
  { _id: "videsk_essential", value: "" },
  { _id: "60dbe3416af0be33b8b372b1", value: "Ana Pérez" },
  { _id: "60dbe3416af0be33b8b372b2", value: "ana@example.com" },
];

export const videsk = new VideskProxy(PROXY_URL);

/** A day on which the seed's users work, a week or more ahead: `2026-12-01`. */
export function workingDay() {
  const day = new Date(Date.now() + 7 * 86_400_000);
  while (![1, 2, 3, 4].includes(day.getUTCDay())) day.setUTCDate(day.getUTCDate() + 1);
  return day.toISOString().slice(0, 10);
}

/** The body of a booking of John's `index`-th free hour. */
export async function bookingOfJohn(index = 0) {
  const hours = await videsk.hours("users", JOHN, { date: workingDay(), timezone: ZONE });
  return { service: SERVICE, startAt: hours[index], timezone: ZONE, form: FORM };
}

/** The next slot of OPEN_SERVICE, booked: five minutes before its start it can be looked at. */
export async function bookSoon() {
  const date = new Date(Date.now() + 5 * 60_000).toISOString().slice(0, 10);
  const [startAt] = await videsk.hours("services", OPEN_SERVICE, { date, timezone: "UTC" });
  return videsk.book("services", OPEN_SERVICE, { startAt, timezone: "UTC", form: FORM });
}

/** The sandbox as at its start, without a limit of requests. */
export async function reset() {
  await control("POST", "reset");
  await control("POST", "rate", { limit: null });
}

/** Let the sandbox misbehave: `{fault: "status", status: 500, times: 1}` (sandbox/faults.py). */
export async function fault(order) {
  await control("POST", "faults", order);
}

/** Every appointment since the reset. */
export async function appointments() {
  return (await control("GET", "appointments")).json();
}

/** Every request that the sandbox got, oldest first. */
export async function journal() {
  return (await control("GET", "requests")).json();
}

async function control(method, path, body) {
  const request = { method, ...(body && { body: JSON.stringify(body) }) };
  const response = await fetch(`${SANDBOX_URL}/__sandbox__/${path}`, request);
  if (!response.ok) throw new Error(await response.text());
  return response;
}
