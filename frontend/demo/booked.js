// What stands at the end of a booking and of a move: when, with whom, and where to keep it.

import { calendarFile, googleLink, outlookLink } from "./calendars.js";
import { el, webAddress } from "./dom.js";
import { facts } from "./flow.js";
import { t } from "./language.js";
import { load, remove, save } from "./storage.js";
import { nameOf } from "./choice_lists.js";
import { newIdempotencyKey } from "./videsk-proxy-client/index.js";
import { dayOf, writeDay, writeTime, writeTimes, writeZone } from "./zone.js";

/** @typedef {import("./videsk-proxy-client/index.js").Booking} Booking */

/**
 * What this browser has stored of an appointment, by its action token.
 *
 * @typedef {object} Known
 * @property {{id: string, title: string}} [service]
 * @property {import("./choice_lists.js").Agent} [agent]
 * @property {string} startAt
 * @property {string} endAt
 * @property {string} uid of its entry in the customer's calendar
 * @property {number} sequence how often it was moved
 */

/** @param {string} token @returns {Known | null} */
export const bookingOf = (token) => load(token);

/**
 * Stores a booking, and whose it is; a moved one takes the place of the one before.
 *
 * @param {Booking} booking
 * @param {Pick<Known, "service" | "agent">} about
 * @param {string} [oldToken]
 */
export function keep(booking, { service, agent }, oldToken) {
  const before = oldToken === undefined ? null : bookingOf(oldToken);
  /** @type {Known} */
  const known = {
    service: service && { id: service.id, title: service.title },
    agent,
    startAt: booking.startAt,
    endAt: booking.endAt,
    uid: before?.uid ?? `${newIdempotencyKey()}@videsk-proxy`,
    sequence: before ? before.sequence + 1 : 0,
  };
  if (oldToken !== undefined) remove(oldToken);
  save(booking.actionToken, known);
  return known;
}

/** @param {Pick<Known, "service" | "agent"> & {startAt: string, endAt?: string}} about @returns {[string, string | undefined][]} */
export function rowsOf({ service, agent, startAt, endAt }) {
  return [
    [t.summary.service, service?.title],
    [t.summary.agent, agent && nameOf(agent)],
    [t.summary.day, writeDay(dayOf(startAt))],
    [t.summary.time, endAt ? writeTimes(startAt, endAt) : writeTime(startAt)],
    [t.summary.zone, writeZone()],
  ];
}

/**
 * @param {string} title
 * @param {Booking} booking
 * @param {Known} known
 * @returns {import("./flow.js").Step}
 */
export function drawBooked(title, booking, known) {
  const join = webAddress(booking.joinURL);
  const modify = webAddress(booking.rescheduleURL);
  const entry = {
    ...known,
    title: booking.service,
    description: [known.agent && nameOf(known.agent), join && t.booked.joinAt(join)]
      .filter(Boolean)
      .join("\n"),
    url: join,
  };
  const file = URL.createObjectURL(new Blob([calendarFile(entry)], { type: "text/calendar;charset=utf-8" }));
  return {
    title,
    lead: t.booked.lead(booking.email),
    body: [
      el(
        "div",
        { class: "card" },
        facts(rowsOf({ ...known, service: known.service ?? { id: "", title: booking.service } })),
        join && el("p", {}, link(t.booked.join, join, { class: "second" })),
        join && el("p", { class: "hint" }, t.booked.joinWhen),
      ),
      el(
        "section",
        {},
        el("h2", {}, t.booked.calendar),
        el(
          "ul",
          { class: "links" },
          el("li", {}, link(t.booked.ics, file, { download: "appointment.ics" })),
          el("li", {}, link(t.booked.google, googleLink(entry), { target: "_blank" })),
          el("li", {}, link(t.booked.outlook, outlookLink(entry), { target: "_blank" })),
        ),
      ),
      el(
        "p",
        { class: "actions" },
        modify && link(t.booked.modify, modify),
        link(t.booked.another, location.pathname),
      ),
    ],
  };
}

/** The addresses contain tokens, so no Referer is sent. */
function link(/** @type {string} */ text, /** @type {string} */ href, attributes = {}) {
  return el("a", { href, rel: "noopener noreferrer", ...attributes }, text);
}
