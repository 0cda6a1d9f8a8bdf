import type { Kind } from "../../client/src/index.js";
import { drawCalendar } from "./calendar.js";
import type { Context } from "./context.js";
import { button, el, fill } from "./dom.js";
import type { Child } from "./dom.js";
import { write } from "./language.js";
import { notice } from "./load.js";

export const SOONEST = 3;

/**
 * An hour that was taken meanwhile, and the free hours of that day, if known. `mayBeBooked`: an earlier
 * attempt of this customer, for this hour or another, may have been booked, because its response was lost.
 */
export interface TakenHour {
  startAt: string;
  free?: string[] | undefined;
  mayBeBooked?: boolean;
}

export interface TimeStep {
  target: [Kind, string];
  choose: (hour: string) => void;
  signal: AbortSignal;
  /** The hour chosen before. */
  startAt: string | undefined;
  taken: TakenHour | undefined;
}

/** The places that hours.ts fills. */
export interface Places {
  soonest: HTMLElement;
  soonestLoading: HTMLElement;
  heading: HTMLElement;
  hours: HTMLElement;
}

/** Draw the calendar, and the places of the next free hours and of the hours of the chosen day, which are loaded after it. */
export function drawTimeStep(ctx: Context, step: TimeStep): Child[] {
  const { t, clock } = ctx;
  const { taken, signal } = step;
  const known = taken?.startAt ?? step.startAt;
  const before = known && clock.dayOf(known) >= clock.today() ? clock.dayOf(known) : undefined;

  const soonestLoading = el("p", { class: "hint" }, t.loading);
  // As high as the hours will be, so that nothing below moves when they come.
  const skeleton = el("div", { class: "hours", "aria-hidden": "true" }, Array.from({ length: SOONEST }, () => el("div")));
  const soonest = el(
    "section",
    { class: "soonest", "aria-labelledby": "soonest", "aria-busy": "true", hidden: Boolean(taken?.free?.length) },
    el("h3", { id: "soonest" }, t.time.soonest),
    el("div", { class: "place" }, skeleton, soonestLoading),
  );
  const heading = el("h3", { tabindex: "-1", hidden: true });
  const hours = el("div", {}, el("p", { class: "hint" }, t.time.pickDay));
  const places = { soonest, soonestLoading, heading, hours };

  let opener: Promise<(day: string) => Promise<void>> | undefined;
  const open = () => (opener ??= ctx.loadMore().then(({ fillPlaces }) => fillPlaces(ctx, step, places, before)));

  /** Without a day, only the places are filled. */
  async function show(day: string | undefined, takesFocus: boolean): Promise<void> {
    try {
      const openDay = await open();
      if (day && !signal.aborted) await openDay(day);
      // On a telephone the hours are below the month; for a screen reader they are elsewhere anyway.
      if (takesFocus && !signal.aborted) {
        const isBelow = heading.getBoundingClientRect().top > calendar.getBoundingClientRect().bottom;
        heading.focus({ preventScroll: isBelow });
        if (isBelow) heading.scrollIntoView();
      }
    } catch (error) {
      opener = undefined;
      soonest.hidden = true;
      fill(hours, await notice(ctx, error, () => show(day, takesFocus)));
    }
  }

  const calendar = drawCalendar(ctx, {
    read: (month) => ctx.dates(step.target, month, signal),
    choose: (day) => show(day, true),
    onShow: (day) => show(before ? undefined : day, false),
    signal,
    day: before,
  });
  if (ctx.more) void open();
  return [
    drawZone(ctx),
    taken && ctx.more!.drawTaken(ctx, taken),
    soonest,
    el("div", { class: taken ? "when taken" : "when" }, calendar, el("section", { class: "day" }, heading, hours)),
  ];
}

/** Draw the zone of the times, and a button to choose another, unless the page has chosen one. */
function drawZone(ctx: Context): HTMLElement {
  const { t, clock } = ctx;
  const change = button(t.changeZone, async () => (await ctx.loadMore()).drawZones(ctx, line), { class: "link" });
  const line = el("p", { class: "zone hint", part: "zone" }, write(t.timesIn, { zone: clock.writeZone() }), " ", ctx.mayChangeZone && change);
  return line;
}
