import type { Context } from "./context.js";
import { button, el } from "./dom.js";
import { write } from "./language.js";

/** Draw the zone of the times, and a button to choose another, unless the page has chosen one. */
export function drawZone(ctx: Context): HTMLElement {
  const { t, clock } = ctx;
  const change = button(
    t.changeZone,
    async () => {
      const { drawZones } = await import("./zones.js");
      const zones = drawZones(ctx);
      line.replaceChildren(zones.element);
      zones.focus();
    },
    { class: "link" },
  );
  const line = el("p", { class: "zone hint", part: "zone" }, write(t.timesIn, { zone: clock.writeZone() }), " ", ctx.mayChangeZone && change);
  return line;
}
