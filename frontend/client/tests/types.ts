/** What the compiler must take, and must refuse: an expected error that does not come is an error. */

import { calendarFile, calendarUid, VideskProxy, VideskProxyError } from "../dist/index.js";
import type { ApiPromise, Availability, Booking, BookingByService, BookingByUser, Kind } from "../dist/index.js";

const videsk = new VideskProxy("https://videsk-proxy.example", { retries: 1, fetch });
const byService: BookingByService = {
  startAt: "2026-12-01T12:00:00.000Z",
  timezone: "America/Santiago",
  form: [
    { _id: "videsk_essential", value: "" },
    { _id: "60dbe3416af0be33b8b372b1", value: ["a", 1] },
  ],
};
const byUser: BookingByUser = { ...byService, service: "63bdbf49394aad976d4aa43b" };
const query = { date: "2026-12-01", timezone: "America/Santiago" };

export async function taken(kind: Kind, signal: AbortSignal | undefined): Promise<unknown[]> {
  const [service] = await videsk.services({ signal });
  const hours: string[] = await videsk.hours(kind, "x", query, { signal });
  const availability: Availability = await videsk.availability(kind, "x", { ...query, days: 3 });
  const ofDay: string[] | undefined = availability.days["2026-12-01"];
  const booking: Booking = await videsk.book("services", "x", byService, { idempotencyKey: "one" });
  await videsk.book("users", "x", byUser);
  await videsk.next("users", "x", { timezone: "UTC", limit: 3 });
  await videsk.form("x");
  await videsk.form("x", { version: "contact" });
  await videsk.cancel(booking.actionToken, {}, { timeoutSeconds: 5, retries: 0 });
  const call: ApiPromise<Booking> = videsk.reschedule("a.b.c", { date: query.date });
  const plain: Promise<Booking> = call;
  const { data, metadata } = await call.withMetadata();
  const file: string = calendarFile(data, { uid: calendarUid(await plain), sequence: 1, canceled: true });
  const asOf: string | undefined = metadata.asOf;
  return [service?.users[0]?.firstname.length, hours, ofDay, booking.duration.toFixed(), file, asOf];
}

export async function refused(kind: string, error: VideskProxyError): Promise<void> {
  // @ts-expect-error no such kind
  await videsk.dates(kind, "x", query);
  // @ts-expect-error the time zone is missing
  await videsk.hours("users", "x", { date: "2026-12-01" });
  // @ts-expect-error no number
  await videsk.dates("users", "x", { date: 2026, timezone: "UTC" });
  // @ts-expect-error next takes no date
  await videsk.next("users", "x", { date: "2026-12-01", timezone: "UTC" });
  // @ts-expect-error no string
  await videsk.availability("users", "x", { ...query, days: "3" });
  // @ts-expect-error no such version
  await videsk.form("x", { version: "other" });
  // @ts-expect-error a user's booking names its service
  await videsk.book("users", "x", byService);
  // @ts-expect-error a service's booking names none
  await videsk.book("services", "x", { ...byService, service: "63bdbf49394aad976d4aa43b" });
  // @ts-expect-error no such field
  await videsk.book("services", "x", { ...byService, email: "ana@example.com" });
  // @ts-expect-error the form is missing
  await videsk.book("services", "x", { startAt: query.date, timezone: "UTC" });
  // @ts-expect-error no value of a form
  await videsk.book("services", "x", { ...byService, form: [{ _id: "videsk_essential", value: {} }] });
  // @ts-expect-error a move takes date
  await videsk.reschedule("a.b.c", { startAt: query.date });
  // @ts-expect-error Videsk's name is cancelReason
  await videsk.cancel("a.b.c", { reason: "no" });
  // @ts-expect-error no string
  (await videsk.book("services", "x", byService)).duration.trim();
  // @ts-expect-error there may be none
  error.retryAfterSeconds.toFixed();
  // @ts-expect-error no such source
  error.source === "sandbox";
  // @ts-expect-error an error is read, not written
  error.status = 200;
  // @ts-expect-error a call's timeout is a number
  await videsk.services({ timeoutSeconds: "5" });
  // @ts-expect-error metadata may lack it
  (await videsk.services().withMetadata()).metadata.cacheStatus.trim();
  // @ts-expect-error a cancellation is no booking
  calendarFile(await videsk.cancel("a.b.c"));
  // @ts-expect-error no such option
  new VideskProxy("", { retry: 1 });
}
