/** An appointment for the customer's own calendar, as a link to Google's or Outlook's. */

import { basicInstant } from "../../client/src/calendar_file.js";

interface Entry {
  title: string;
  description: string;
  startAt: string;
  endAt: string;
}

export function googleLink(entry: Entry): string {
  return `https://calendar.google.com/calendar/render?${new URLSearchParams({
    action: "TEMPLATE",
    text: entry.title,
    dates: `${basicInstant(entry.startAt)}/${basicInstant(entry.endAt)}`,
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
