/** An appointment as a file for the customer's calendar: iCalendar, https://www.rfc-editor.org/rfc/rfc5545. */

import type { Booking } from "./types.js";

export interface CalendarOptions {
  /**
   * Identifies the appointment in the calendar: a file with the same `uid` replaces the entry. By default, it is made of the
   * booking's access token. A rescheduled booking has another token, so pass `calendarUid` of the first booking.
   */
  uid?: string | undefined;
  /** How often the appointment has been changed: 0 by default, or 1 if it is canceled. Calendars ignore files with a lower one. */
  sequence?: number | undefined;
  /** Whether the file removes the appointment from the calendar. */
  canceled?: boolean | undefined;
  /** The service's title by default. */
  title?: string | undefined;
  /** The address of the meeting by default. */
  description?: string | undefined;
}

/** Return the UID that the entry of a booking has by default. */
export function calendarUid({ accessToken }: Pick<Booking, "accessToken">): string {
  return `${accessToken.slice(-UID_CHARACTERS)}@videsk-proxy`; // the end of a JWT's signature
}

const UID_CHARACTERS = 32;

/** Return the text of an `.ics` file (`text/calendar`) for a booking. */
export function calendarFile(
  booking: Pick<Booking, "service" | "startAt" | "endAt" | "joinURL" | "accessToken">,
  { uid = calendarUid(booking), canceled = false, sequence = +canceled, title = booking.service, description }: CalendarOptions = {},
): string {
  const url = /^https?:\/\/\S+$/.test(booking.joinURL) ? booking.joinURL : undefined;
  return [
    "BEGIN:VCALENDAR",
    "VERSION:2.0",
    "PRODID:-//videsk-proxy//videsk-proxy-client//EN",
    `METHOD:${canceled ? "CANCEL" : "PUBLISH"}`,
    "BEGIN:VEVENT",
    `UID:${escaped(uid)}`,
    `SEQUENCE:${sequence}`,
    `STATUS:${canceled ? "CANCELLED" : "CONFIRMED"}`,
    `DTSTAMP:${basicInstant(Date.now())}`,
    `DTSTART:${basicInstant(booking.startAt)}`,
    `DTEND:${basicInstant(booking.endAt)}`,
    `SUMMARY:${escaped(title)}`,
    `DESCRIPTION:${escaped(description ?? url ?? "")}`,
    url && `URL:${url}`,
    "END:VEVENT",
    "END:VCALENDAR",
  ]
    .map((line) => (line ? `${folded(line)}\r\n` : ""))
    .join("");
}

/** Return an instant as 20261201T120000Z. */
export function basicInstant(instant: string | number): string {
  return new Date(instant).toISOString().replace(/[-:]|\.\d+/g, "");
}

/** https://www.rfc-editor.org/rfc/rfc5545#section-3.3.11 */
function escaped(text: string): string {
  return text.replace(/[\\;,]/g, "\\$&").replace(/\r\n|\r|\n/g, "\\n");
}

/** No line over 75 bytes in UTF-8, and no character cut (https://www.rfc-editor.org/rfc/rfc5545#section-3.1). */
function folded(line: string): string {
  let text = "";
  let bytes = 0;
  for (const character of line) {
    const code = character.codePointAt(0)!;
    const size = 1 + +(code > 0x7f) + +(code > 0x7ff) + +(code > 0xffff);
    bytes += size;
    if (bytes > 75) {
      text += "\r\n ";
      bytes = 1 + size;
    }
    text += character;
  }
  return text;
}
