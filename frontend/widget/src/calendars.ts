/** An appointment for the customer's own calendar: a file (iCalendar), or a link to Google's or Outlook's. */

/** `uid` and `sequence`: a file for a moved appointment moves the entry instead of adding another. */
interface Entry {
  uid: string;
  sequence: number;
  title: string;
  description: string;
  startAt: string;
  endAt: string;
  url: string | undefined;
}

const inBytes = (text: string) => new TextEncoder().encode(text).length;

/** 20261201T120000Z. */
const basic = (instant: string | number) => new Date(instant).toISOString().replace(/[-:]|\.\d+/g, "");

/** https://www.rfc-editor.org/rfc/rfc5545#section-3.3.11 */
const escaped = (text: string) => text.replace(/[\\;,]/g, "\\$&").replace(/\r\n|\r|\n/g, "\\n");

/** No line over 75 bytes, and no character cut (https://www.rfc-editor.org/rfc/rfc5545#section-3.1). */
function folded(line: string): string {
  const lines = [""];
  for (const character of line) {
    if (inBytes(lines.at(-1) + character) > 75) lines.push(" ");
    lines[lines.length - 1] += character;
  }
  return lines.join("\r\n");
}

export function calendarFile(entry: Entry, now = Date.now()): string {
  return [
    "BEGIN:VCALENDAR",
    "VERSION:2.0",
    "PRODID:-//videsk-proxy//booking page//EN",
    "METHOD:PUBLISH",
    "BEGIN:VEVENT",
    `UID:${entry.uid}`,
    `SEQUENCE:${entry.sequence}`,
    `DTSTAMP:${basic(now)}`,
    `DTSTART:${basic(entry.startAt)}`,
    `DTEND:${basic(entry.endAt)}`,
    `SUMMARY:${escaped(entry.title)}`,
    `DESCRIPTION:${escaped(entry.description)}`,
    ...(entry.url ? [`URL:${entry.url}`] : []),
    "END:VEVENT",
    "END:VCALENDAR",
  ]
    .map((line) => `${folded(line)}\r\n`)
    .join("");
}

export function googleLink(entry: Entry): string {
  return `https://calendar.google.com/calendar/render?${new URLSearchParams({
    action: "TEMPLATE",
    text: entry.title,
    dates: `${basic(entry.startAt)}/${basic(entry.endAt)}`,
    details: entry.description,
  })}`;
}

export function outlookLink(entry: Entry): string {
  return `https://outlook.live.com/calendar/0/deeplink/compose?${new URLSearchParams({
    path: "/calendar/action/compose",
    rru: "addevent",
    subject: entry.title,
    startdt: entry.startAt,
    enddt: entry.endAt,
    body: entry.description,
  })}`;
}
