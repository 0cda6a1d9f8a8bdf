import { addDays, addMonths, daysOf, monthOf } from "./clock.js";
import type { Context } from "./context.js";
import { button, el, fill } from "./dom.js";
import { write } from "./language.js";
import { notice } from "./load.js";

export const WEEK = 7;

/**
 * Draw a month to choose a day of: the grid of the WAI-ARIA practices, where the arrows move over all
 * days (so that one can find out which are not free) and Tab stops at one.
 *
 * `read`: instants in a month's free days. `day`: the day chosen before.
 */
export function drawCalendar(
  ctx: Context,
  { read, choose, onShow, signal, day: before }: {
    read: (month: string) => Promise<string[]>;
    choose: (day: string) => void;
    /** The first month is on screen. `day`: its first free one, which is chosen unless there was one before. */
    onShow: (day: string | undefined) => void;
    signal: AbortSignal;
    day: string | undefined;
  },
): HTMLElement {
  const { t, clock } = ctx;
  let chosen = before;
  let month = monthOf(chosen ?? clock.today());
  /** Undefined while they load. */
  let free: Set<string> | undefined;
  let isShown = false;
  /** Unless the visitor has chosen the month. */
  let maySkip = !before;
  /** The day that the visitor has chosen or moved to. */
  let at = chosen;

  const title = el("h3", { id: "month" });
  const previous = button("", () => turn(-1), { "aria-label": t.time.previousMonth, class: "turn" });
  const next = button("", () => turn(1), { "aria-label": t.time.nextMonth, class: "turn next" });
  const grid = el("table", { role: "grid", "aria-labelledby": "month", onkeydown: walk, part: "calendar" });
  const below = el("div", { class: "below" });

  function turn(months: number): void {
    at = undefined;
    maySkip = false;
    show(addMonths(month, months));
  }

  async function show(wanted: string): Promise<void> {
    month = wanted;
    free = undefined;
    title.textContent = clock.writeMonth(month);
    previous.disabled = month <= monthOf(clock.today());
    fill(below, el("p", { class: "hint" }, t.time.loadingDays));
    grid.setAttribute("aria-busy", "true");
    drawDays();
    try {
      const days = new Set((await read(month)).map((instant) => clock.dayOf(instant)));
      if (signal.aborted || month !== wanted) return;
      // In the last days of a month, the first free day is often in the next one.
      if (days.size === 0 && maySkip && month === monthOf(clock.today()) && !grid.querySelector(":focus"))
        return show(addMonths(month, 1));
      free = days;
      fill(below);
      if (days.size === 0) offerNextMonth();
      else ctx.announce(ctx.count(t.time.freeDays, days.size, { month: clock.writeMonth(month) }));
    } catch (error) {
      if (signal.aborted || month !== wanted) return;
      ctx.report(error);
      free = new Set();
      fill(below, await notice(ctx, error, () => show(wanted)));
    }
    grid.removeAttribute("aria-busy");
    const isFirst = !isShown;
    isShown = true;
    if (isFirst) chosen ??= daysOf(month).find((day) => free!.has(day));
    drawDays();
    if (isFirst) onShow(chosen);
  }

  function offerNextMonth(): void {
    const look = write(t.time.lookIn, { month: clock.writeMonth(addMonths(month, 1)) });
    const none = write(t.time.noneIn, { month: clock.writeMonth(month) });
    fill(below, el("p", { class: "notice", role: "status" }, none, " ", button(look, () => turn(1), { class: "link" })));
  }

  function drawDays(): void {
    const focused = grid.querySelector<HTMLElement>(":focus");
    const days = daysOf(month);
    const first = days[0]!;
    // Where the visitor is, else a day with hours, so that Tab leads to what can be chosen.
    const stop =
      [at, focused?.dataset.day].find((day) => day && days.includes(day)) ??
      days.find((day) => free?.has(day)) ??
      days.find((day) => day >= clock.today()) ??
      first;
    const cells: (string | undefined)[] = [...Array(clock.dayOfWeek(first)).fill(undefined), ...days];
    const indexes = Array.from({ length: WEEK }, (_, index) => index);
    const weeks = Array.from({ length: Math.ceil(cells.length / WEEK) }, (_, week) => indexes.map((index) => cells[week * WEEK + index]));
    const weekdays = indexes.map((index) => addDays(first, index - clock.dayOfWeek(first)));
    fill(
      grid,
      el(
        "thead",
        {},
        el(
          "tr",
          {},
          weekdays.map((day) => el("th", { scope: "col", abbr: clock.writeWeekday(day, "long") }, clock.writeWeekday(day, "short"))),
        ),
      ),
      el(
        "tbody",
        {},
        weeks.map((week) => el("tr", {}, week.map((day) => el("td", {}, day && drawDay(day, day === stop))))),
      ),
    );
    if (focused) grid.querySelector<HTMLElement>('[tabindex="0"]')?.focus();
  }

  /** `isStop`: Tab stops at it. */
  function drawDay(day: string, isStop: boolean): HTMLElement {
    const isFree = free?.has(day);
    return button(clock.writeDayNumber(day), () => pick(day), {
      "aria-label": free && !isFree ? `${clock.writeDay(day)}, ${t.time.notFree}` : clock.writeDay(day),
      "aria-disabled": isFree ? "false" : "true",
      "aria-pressed": isFree && (day === chosen ? "true" : "false"),
      "aria-current": day === clock.today() && "date",
      "data-day": day,
      part: isFree ? "day free" : "day",
      tabindex: isStop ? "0" : "-1",
    });
  }

  function pick(day: string): void {
    if (!free?.has(day)) return;
    at = chosen = day;
    drawDays();
    choose(day);
  }

  function walk(event: KeyboardEvent): void {
    const from = (event.target as HTMLElement).dataset.day;
    const to = from && ctx.more?.dayByKey(ctx, event, from);
    if (!to) return;
    event.preventDefault();
    at = to;
    maySkip = false;
    if (monthOf(at) !== month) show(monthOf(at));
    else drawDays();
  }

  show(month);
  return el("section", { class: "calendar" }, el("div", { class: "month" }, previous, title, next), grid, below);
}
