/** The hours of a day and the next free hours, kept current while they are on screen. */

import type { Context } from "./context.js";
import { button, el, fill } from "./dom.js";
import type { Child } from "./dom.js";
import { write } from "./language.js";
import { load } from "./load.js";
import { keepCurrent } from "./refresh.js";
import { isTaken, readFirstDays, spread } from "./soonest.js";
import type { Places, TakenHour, TimeStep } from "./time_step.js";

/** If a day has more, only its first part is open. */
const MOST_OPEN = 48;

/**
 * Draw the hours of one day by the parts of it. `gone`: those that have been taken since they were
 * shown. `chosen`: the hour that a surrounding form has.
 */
function drawHours(
  ctx: Context,
  hours: string[],
  { choose, gone, chosen }: { choose: (hour: string) => void; gone: Set<string>; chosen: string | undefined },
): HTMLElement[] {
  const { t, clock } = ctx;
  const parts = [
    { name: t.time.morning, from: 0, until: 12 },
    { name: t.time.afternoon, from: 12, until: 19 },
    { name: t.time.evening, from: 19, until: 24 },
  ]
    .map(({ name, from, until }) => ({
      name,
      hours: hours.filter((hour) => clock.hourOf(hour) >= from && clock.hourOf(hour) < until),
    }))
    .filter((part) => part.hours.length > 0);

  const times = hours.map(clock.writeTime);
  /** A night of 25 hours has one of them twice. */
  const write = (hour: string) => {
    const time = clock.writeTime(hour);
    return times.indexOf(time) === times.lastIndexOf(time) ? time : clock.writeTimeWithOffset(hour);
  };

  const draw = (hour: string) => {
    const isGone = gone.has(hour);
    const name = `${write(hour)}, ${clock.writeDay(clock.dayOf(hour))}`;
    return button(write(hour), () => gone.has(hour) || choose(hour), {
      "aria-label": isGone ? `${name}, ${t.time.goneHour}` : name,
      "aria-disabled": isGone && "true",
      "aria-pressed": ctx.picksOnly && (hour === chosen ? "true" : "false"),
      "data-hour": hour,
      part: isGone ? "hour gone" : "hour",
    });
  };

  return parts.map((part, index) =>
    el(
      "details",
      { open: index === 0 || hours.length <= MOST_OPEN },
      el(
        "summary",
        {},
        part.name,
        " ",
        el("span", {}, ctx.count(t.time.freeHours, part.hours.filter((hour) => !gone.has(hour)).length)),
      ),
      el("ul", { class: "hours", "aria-label": part.name }, part.hours.map((hour) => el("li", {}, draw(hour)))),
    ),
  );
}

/** Fill the places of the step. Returns what opens a day. `before`: the day that is open from the start. */
export async function fillPlaces(
  ctx: Context,
  step: TimeStep,
  { soonest, soonestLoading, heading, hours }: Places,
  before: string | undefined,
): Promise<(day: string) => Promise<void>> {
  const { t, clock } = ctx;
  const { target, choose, signal, startAt, taken } = step;
  const videsk = ctx.videsk!;
  const timezone = clock.zone;
  const call = { signal };
  /** The day whose hours are on screen, these hours, and those of them that have been taken since. */
  let shown: { day: string; hours: string[]; gone: Set<string> } | undefined;

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
    const days = await readFirstDays(ctx, step);
    for (const one of soonest.querySelectorAll<HTMLElement>("[data-hour]")) {
      one.ariaDisabled = String(isTaken(one.dataset.hour!, days));
    }
  }

  function announceGone(gone: string[]): void {
    const hour = gone.find((each) => each === startAt) ?? gone[0];
    if (hour) ctx.announce(write(t.time.taken, { time: clock.writeTime(hour) }));
  }

  async function readSoonest(): Promise<HTMLElement> {
    const days = await readFirstDays(ctx, step);
    const offered = spread(days.map((day) => day.filter((hour) => hour !== taken?.startAt)));
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
    void openDay(before);
  }
  if (!soonest.hidden) {
    // A convenience: where it fails, the month is still there.
    void readSoonest()
      .catch(() => el("p", { class: "hint" }, t.time.soonestFailed))
      .then((content) => {
        soonestLoading.replaceWith(content);
        soonest.removeAttribute("aria-busy");
      });
  }
  keepCurrent(signal, refresh);
  return openDay;
}

/** Say that an hour is taken, and whether the day has others. */
export function drawTaken(ctx: Context, { startAt, free, mayBeBooked }: TakenHour, ...more: Child[]): HTMLElement {
  const { t, clock } = ctx;
  const others = free?.filter((hour) => hour !== startAt);
  return el(
    "div",
    { class: "notice warning", role: "alert", part: "notice" },
    el("p", {}, el("strong", {}, write(mayBeBooked ? t.time.takenByUs : t.time.taken, { time: clock.writeTime(startAt) }))),
    others && el("p", {}, others.length ? t.time.takenFree : t.time.takenNone),
    more,
  );
}
