/** The file for the customer's calendar, as Mozilla's parser reads it. */

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import ICAL from "ical.js";

import { calendarFile, calendarUid } from "../dist/index.js";
import { bookingOfJohn, bookSoon, JOHN, reset, videsk } from "./setting.mjs";

const BOOKING = {
  service: "Corte, lavado; y más\\menos",
  startAt: "2026-12-01T12:00:00.000Z",
  endAt: "2026-12-01T12:30:00.000Z",
  joinURL: "https://shop.example/?v-schedule-action=join&v-schedule-auth=a.b.c",
  accessToken: `header.payload.${"0123456789abcdef".repeat(3)}`,
};

beforeEach(reset);

/** What the file contains; the date of its making must be now. */
function read(file) {
  const calendar = new ICAL.Component(ICAL.parse(file));
  const [event, ...others] = calendar.getAllSubcomponents("vevent");
  assert.deepEqual(others, []);
  const value = (name) => event.getFirstPropertyValue(name);
  const stamp = value("dtstamp").toJSDate();
  assert.ok(Math.abs(stamp - Date.now()) < 60_000);
  return {
    method: calendar.getFirstPropertyValue("method"),
    uid: value("uid"),
    sequence: value("sequence"),
    status: value("status"),
    start: value("dtstart").toJSDate().toISOString(),
    end: value("dtend").toJSDate().toISOString(),
    summary: value("summary"),
    description: value("description"),
    url: value("url"),
  };
}

test("a booking", () => {
  assert.deepEqual(read(calendarFile(BOOKING)), {
    method: "PUBLISH",
    uid: calendarUid(BOOKING),
    sequence: 0,
    status: "CONFIRMED",
    start: BOOKING.startAt,
    end: BOOKING.endAt,
    summary: BOOKING.service,
    description: BOOKING.joinURL,
    url: BOOKING.joinURL,
  });
});

test("the proxy's booking, moved and canceled: one entry, whose changes count up", async () => {
  const booked = await videsk.book("users", JOHN, await bookingOfJohn());
  const uid = calendarUid(booked);
  const moved = await videsk.reschedule(booked.actionToken, { date: (await bookingOfJohn(3)).startAt });
  await videsk.cancel(moved.actionToken);
  const [first, second, third] = [
    calendarFile(booked),
    calendarFile(moved, { uid, sequence: 1 }),
    calendarFile(moved, { uid, sequence: 2, canceled: true }),
  ].map(read);
  assert.deepEqual([first.uid, second.uid, third.uid], [uid, uid, uid]);
  assert.deepEqual([first.sequence, second.sequence, third.sequence], [0, 1, 2]);
  assert.deepEqual([first.method, second.method, third.method], ["PUBLISH", "PUBLISH", "CANCEL"]);
  assert.deepEqual([first.status, third.status], ["CONFIRMED", "CANCELLED"]);
  assert.deepEqual([first.start, second.start, third.start], [booked.startAt, moved.startAt, moved.startAt]);
});

test("the UID is the same each time, and another for each appointment", async () => {
  const booked = await bookSoon();
  assert.equal(read(calendarFile(booked)).uid, read(calendarFile(booked)).uid);
  assert.notEqual(calendarUid(booked), calendarUid(await bookSoon()));
  assert.equal(calendarUid({ accessToken: "a,b;c" }), "a,b;c@videsk-proxy");
  assert.equal(read(calendarFile({ ...BOOKING, accessToken: "a,b;c" })).uid, "a,b;c@videsk-proxy");
});

test("a cancellation is a change", () => {
  assert.equal(read(calendarFile(BOOKING, { canceled: true })).sequence, 1);
});

test("text of one's own, with everything that has a meaning in the format", () => {
  const text = "Ana; Pérez, \\n no break\nsecond line\r\nthird 🎉";
  const { summary, description } = read(calendarFile(BOOKING, { title: text, description: text }));
  assert.deepEqual([summary, description], Array(2).fill(text.replace("\r", "")));
});

test("lines end in CRLF, have at most 75 bytes, and cut no character", () => {
  for (const filler of ["x", "ñ", "€", "🎉"]) {
    for (let shift = 0; shift < 4; shift += 1) {
      const title = "a".repeat(shift) + filler.repeat(200);
      const file = calendarFile(BOOKING, { title });
      assert.equal(file.replaceAll("\r\n", "").match(/[\r\n]/), null);
      const lines = file.split("\r\n").map((line) => Buffer.from(line).length);
      assert.ok(Math.max(...lines) <= 75 && lines.filter((bytes) => bytes > 70).length >= 2);
      assert.equal(read(file).summary, title);
    }
  }
});

test("an address that is none does not get into the file", () => {
  for (const joinURL of ["javascript:alert(1)", "https://a.example/\r\nATTENDEE:mailto:a@b.example", ""]) {
    const { url, description } = read(calendarFile({ ...BOOKING, joinURL }));
    assert.deepEqual([url, description], [null, ""]);
  }
});
