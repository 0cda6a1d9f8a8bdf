/** The choice of a time zone: all that the browser has, searchable. */

import type { Context } from "./context.js";
import { el, fill } from "./dom.js";

/** Draw it in place of the line that shows the zone. */
export function drawZones(ctx: Context, line: HTMLElement): void {
  const { t, clock } = ctx;
  const zones = [...new Set(["UTC", ...Intl.supportedValuesOf("timeZone"), clock.zone])].sort();
  const find = (text: string) => zones.find((zone) => readable(zone).toLowerCase() === text.trim().toLowerCase());
  const input = el("input", {
    id: "zone",
    list: "zones",
    autocomplete: "off",
    spellcheck: "false",
    part: "input",
    oninput: take,
    onkeydown: (event: KeyboardEvent) => event.key === "Escape" && ctx.useZone(clock.zone),
  });
  input.placeholder = readable(clock.zone);

  function take(): void {
    const zone = find(input.value);
    if (zone) ctx.useZone(zone);
  }

  const options = zones.map((zone) => el("option", { value: readable(zone) }, offset(zone, clock.conventions.locale)));
  const list = el("datalist", { id: "zones" }, options);
  fill(line, el("span", { class: "field" }, el("label", { for: "zone" }, t.summary.zone), input, list));
  input.focus();
}

const readable = (zone: string) => zone.replaceAll("_", " ");

/** Return its current distance from UTC, such as "GMT-3". */
function offset(timeZone: string, locale: string): string {
  const parts = new Intl.DateTimeFormat(locale, { timeZone, timeZoneName: "shortOffset" }).formatToParts();
  return parts.find(({ type }) => type === "timeZoneName")?.value ?? "";
}
