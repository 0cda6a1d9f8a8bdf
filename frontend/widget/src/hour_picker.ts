import type { Kind } from "../../client/src/index.js";
import { drawCalendar } from "./calendar.js";
import type { Context } from "./context.js";
import { button, el, fill } from "./dom.js";
import type { Child } from "./dom.js";
import { load } from "./error_notice.js";
import { drawHours } from "./hours.js";
import { write } from "./language.js";
import { keepCurrent } from "./refresh.js";
import { drawZone } from "./zone_line.js";

const SOONEST = 3;

/**
 * An hour that was taken meanwhile, and the free hours of that day, if known. `mayBeOurs`: it may have been
 * taken by this customer, in an attempt whose response was lost.
 */
export interface TakenHour {
  startAt: string;
  free?: string[] | undefined;
  mayBeOurs?: boolean;
}

/** Draw the next free hours, a calendar, and the hours of the chosen day. `startAt`: the hour chosen before. */
export function drawHourPicker(
  ctx: Context,
  { target, choose, signal, startAt, taken }: {
    target: [Kind, string];
    choose: (hour: string) => void;
    signal: AbortSignal;
    startAt: string | undefined;
    taken: TakenHour | undefined;
  },
): Child[] {
  const { t, clock, videsk } = ctx;
  const timezone = clock.zone;
  const call = { signal };
  const known = taken?.startAt ?? startAt;
  const before = known && clock.dayOf(known) >= clock.today() ? clock.dayOf(known) : undefined;
  /** The day whose hours are on screen, these hours, and those of them that have been taken since. */
  let shown: { day: string; hours: string[]; gone: Set<string> } | undefined;

  const soonest = drawSoonest(ctx);
  const hours = el("div", {}, el("p", { class: "hint" }, t.time.pickDay));
  const heading = el("h3", { tabindex: "-1", hidden: true });
  const section = el("section", { class: "day" }, heading, hours);

  function openDay(day: string): Promise<void> {
    name(day);
    shown = undefined;
    const read = () => videsk.hours(...target, { date: day, timezone }, call);
    return load(ctx, hours, signal, read, (free) => heading.dataset.day === day && showHours(day, free));
  }

  function name(day: string): void {
    heading.hidden = false;
    heading.dataset.day = day;
    heading.textContent = clock.writeDayOfYear(day);
  }

  function showHours(day: string, free: string[]): void {
    // The hour that was refused may still be listed: of a service, while another agent has it free.
    shown = { day, hours: free.filter((hour) => hour !== taken?.startAt), gone: new Set() };
    drawShown();
    ctx.announce(ctx.count(t.time.freeHours, shown.hours.length));
  }

  function drawShown(): void {
    const { hours: offered, gone } = shown!;
    fill(
      hours,
      offered.length
        ? drawHours(ctx, offered, { choose, gone, chosen: startAt })
        : el("p", { class: "notice", role: "status" }, t.time.noHours),
    );
  }

  /** Mark what has been taken, and add what has become free, where nothing is being moved. */
  async function refresh(): Promise<void> {
    const before = shown;
    if (before) {
      const now = new Set(await videsk.hours(...target, { date: before.day, timezone }, call));
      if (signal.aborted || shown !== before) return;
      const all = [...new Set([...before.hours, ...now])].filter((hour) => hour !== taken?.startAt).sort();
      const gone = new Set(all.filter((hour) => !now.has(hour)));
      if (all.length !== before.hours.length || gone.size !== before.gone.size || ![...gone].every((hour) => before.gone.has(hour))) {
        const focused = hours.querySelector<HTMLElement>(":focus")?.dataset.hour;
        const closed = [...hours.querySelectorAll("details")].map((part) => part.open);
        shown = { day: before.day, hours: all, gone };
        drawShown();
        hours.querySelectorAll("details").forEach((part, index) => (part.open = closed[index] ?? part.open));
        hours.querySelector<HTMLElement>(`[data-hour="${focused}"]`)?.focus();
        announceGone([...gone].filter((hour) => !before.gone.has(hour)));
      }
    }
    const soon = await videsk.next(...target, { timezone, limit: SOONEST }, call);
    // Later hours than the last of these may still be free.
    const until = soon.length < SOONEST ? "9" : soon[SOONEST - 1]!;
    for (const one of soonest.section.querySelectorAll<HTMLElement>("[data-hour]")) {
      const hour = one.dataset.hour!;
      one.ariaDisabled = String(hour < until && !soon.includes(hour));
    }
  }

  function announceGone(gone: string[]): void {
    const hour = gone.find((each) => each === startAt) ?? gone[0];
    if (hour) ctx.announce(write(t.time.taken, { time: clock.writeTime(hour) }));
  }

  async function readSoonest(): Promise<HTMLElement> {
    const soon = await videsk.next(...target, { timezone, limit: SOONEST }, call);
    const offered = soon.filter((hour) => hour !== taken?.startAt);
    if (offered.length === 0) return el("p", { class: "hint" }, t.time.soonestNone);
    const draw = (hour: string) => {
      const one = button(
        `${clock.writeShortDay(clock.dayOf(hour))}, ${clock.writeTime(hour)}`,
        () => one.ariaDisabled === "true" || choose(hour),
        { "data-hour": hour, part: "hour" },
      );
      return el("li", {}, one);
    };
    return el("ul", { class: "hours" }, offered.map(draw));
  }

  if (before && taken?.free) {
    name(before);
    showHours(before, taken.free);
  } else if (before) {
    openDay(before);
  }
  if (taken?.free?.length) {
    soonest.section.hidden = true;
  } else {
    // A convenience: where it fails, the month is still there.
    readSoonest()
      .catch(() => el("p", { class: "hint" }, t.time.soonestFailed))
      .then(soonest.show);
  }
  keepCurrent(signal, refresh);

  const calendar = drawCalendar(ctx, {
    read: (month) => videsk.dates(...target, { date: month, timezone }, call),
    choose: async (day) => {
      await openDay(day);
      // On a telephone the hours are below the month; for a screen reader they are elsewhere anyway.
      if (!signal.aborted) heading.focus();
    },
    signal,
    day: before,
  });
  return [
    drawZone(ctx),
    taken && drawTaken(ctx, taken),
    soonest.section,
    el("div", { class: taken ? "when taken" : "when" }, calendar, section),
  ];
}

/** Draw the place of the soonest hours as high as they will be, so that nothing below moves when they come. */
function drawSoonest(ctx: Context) {
  const { t } = ctx;
  const loading = el("p", { class: "hint" }, t.loading);
  const skeleton = el("div", { class: "hours", "aria-hidden": "true" }, Array.from({ length: SOONEST }, () => el("div")));
  const section = el(
    "section",
    { class: "soonest", "aria-labelledby": "soonest", "aria-busy": "true" },
    el("h3", { id: "soonest" }, t.time.soonest),
    el("div", { class: "place" }, skeleton, loading),
  );
  return {
    section,
    show(content: HTMLElement) {
      loading.replaceWith(content);
      section.removeAttribute("aria-busy");
    },
  };
}

/** Say that an hour is taken, and whether the day has others. */
export function drawTaken(ctx: Context, { startAt, free, mayBeOurs }: TakenHour, ...more: Child[]): HTMLElement {
  const { t, clock } = ctx;
  const others = free?.filter((hour) => hour !== startAt);
  return el(
    "div",
    { class: "notice warning", role: "alert", part: "notice" },
    el("p", {}, el("strong", {}, write(mayBeOurs ? t.time.takenByUs : t.time.taken, { time: clock.writeTime(startAt) }))),
    others && el("p", {}, others.length ? t.time.takenFree : t.time.takenNone),
    more,
  );
}
