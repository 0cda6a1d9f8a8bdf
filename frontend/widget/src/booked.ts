/** What stands at the end of a booking and of a move: when, with whom, and where to keep it. */

import { calendarFile } from "../../client/src/calendar_file.js";
import { newIdempotencyKey } from "../../client/src/idempotency.js";
import type { Booking } from "../../client/src/index.js";
import { googleLink, outlookLink } from "./calendars.js";
import { nameOf } from "./choice_lists.js";
import type { Agent } from "./choice_lists.js";
import type { Context } from "./context.js";
import { button, el } from "./dom.js";
import { remove } from "./expiry.js";
import { facts } from "./flow.js";
import type { Rows, Step } from "./flow.js";
import { write } from "./language.js";
import { load, save } from "./storage.js";

/** What this browser has stored of an appointment, by its action token. */
export interface Known {
  service?: { id: string; title: string } | undefined;
  agent?: Pick<Agent, "id" | "firstname" | "lastname"> | undefined;
  startAt: string;
  endAt: string;
  /** Of its entry in the customer's calendar. */
  uid: string;
  /** How often it was moved. */
  sequence: number;
}

export const bookingOf = (token: string): Known | null => load(token);

/** Store a booking, and whose it is; a moved one takes the place of the one before. */
export function keep(booking: Booking, { service, agent }: Pick<Known, "service" | "agent">, oldToken?: string): Known {
  const before = oldToken === undefined ? null : bookingOf(oldToken);
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

export function rowsOf(
  { t, clock }: Context,
  { service, agent, startAt, endAt }: Omit<Partial<Known>, "startAt"> & { startAt: string },
): Rows {
  return [
    [t.summary.service, service?.title],
    [t.summary.agent, agent && nameOf(agent)],
    [t.summary.day, clock.writeDay(clock.dayOf(startAt))],
    [t.summary.time, endAt ? clock.writeTimes(startAt, endAt) : clock.writeTime(startAt)],
    [t.summary.zone, clock.writeZone()],
  ];
}

export function drawBooked(ctx: Context, title: string, booking: Booking, known: Known): Step {
  const { t } = ctx;
  const join = webAddress(booking.joinURL);
  const modify = webAddress(booking.rescheduleURL);
  const description = [known.agent && nameOf(known.agent), join && write(t.booked.joinAt, { address: join })].filter(Boolean).join("\n");
  const entry = { ...known, title: booking.service, description };
  const file = URL.createObjectURL(new Blob([calendarFile(booking, entry)], { type: "text/calendar;charset=utf-8" }));
  return {
    title,
    lead: write(t.booked.lead, { email: booking.email }),
    body: [
      el(
        "div",
        { class: "card", part: "card" },
        facts(rowsOf(ctx, { ...known, service: known.service ?? { id: "", title: booking.service } })),
        join && el("p", {}, link(t.booked.join, join, { class: "second", part: "button" })),
        join && el("p", { class: "hint" }, t.booked.joinWhen),
      ),
      el(
        "section",
        {},
        el("h3", {}, t.booked.calendar),
        el(
          "ul",
          { class: "links" },
          el("li", {}, link(t.booked.ics, file, { download: "appointment.ics" })),
          el("li", {}, link(t.booked.google, googleLink(entry), { target: "_blank" })),
          el("li", {}, link(t.booked.outlook, outlookLink(entry), { target: "_blank" })),
        ),
      ),
      el("p", { class: "actions" }, modify && link(t.booked.modify, modify), drawAnother(ctx)),
    ],
  };
}

export const drawAnother = (ctx: Context) => button(ctx.t.booked.another, ctx.restart, { class: "link" });

/** The addresses contain tokens, so no Referer is sent. */
function link(text: string, href: string, attributes: Record<string, string> = {}): HTMLElement {
  return el("a", { href, rel: "noopener noreferrer", ...attributes }, text);
}

/** The address, unless it is no web address: it comes from outside. */
function webAddress(address: string): string | undefined {
  try {
    const { protocol, href } = new URL(address);
    return ["http:", "https:"].includes(protocol) ? href : undefined;
  } catch {
    return undefined;
  }
}
