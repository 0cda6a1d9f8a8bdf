import { button, el, say } from "./dom.js";
import { t } from "./language.js";
import { drawErrorNotice } from "./error_notice.js";
import {
  addDays,
  addMonths,
  dayOf,
  dayOfWeek,
  daysOf,
  monthOf,
  today,
  writeDay,
  writeMonth,
  writeWeekday,
} from "./zone.js";

const WEEK = 7;

/**
 * A month to choose a day of: the grid of the WAI-ARIA practices, where the arrows walk over all days
 * (one can learn which are not free) and Tab stops at one.
 *
 * @param {object} given
 * @param {(month: string) => Promise<string[]>} given.read instants in a month's free days
 * @param {(day: string) => void} given.choose
 * @param {AbortSignal} given.signal
 * @param {string} [given.day] the day chosen before
 */
export function drawCalendar({ read, choose, signal, day: chosen }) {
  let month = monthOf(chosen ?? today());
  /** @type {Set<string> | undefined} undefined while they load */
  let free;
  /** @type {string | undefined} the day that the visitor has chosen or walked to */
  let at = chosen;

  const title = el("h2", { id: "month" });
  const previous = button("‹", () => turn(-1), { "aria-label": t.time.previousMonth, class: "turn" });
  const next = button("›", () => turn(1), { "aria-label": t.time.nextMonth, class: "turn" });
  const grid = el("table", { role: "grid", "aria-labelledby": "month", onkeydown: walk });
  const below = el("div", { class: "below" });

  /** @param {number} months */
  function turn(months) {
    at = undefined;
    show(addMonths(month, months));
  }

  /** @param {string} wanted */
  async function show(wanted) {
    month = wanted;
    free = undefined;
    title.textContent = writeMonth(month);
    previous.disabled = month <= monthOf(today());
    below.replaceChildren(el("p", { class: "hint" }, t.time.loadingDays));
    grid.setAttribute("aria-busy", "true");
    drawDays();
    try {
      const days = new Set((await read(month)).map(dayOf));
      if (signal.aborted || month !== wanted) return;
      free = days;
      below.replaceChildren();
      if (days.size === 0) offerNextMonth();
      else say(t.time.freeDays(days.size, writeMonth(month)));
    } catch (error) {
      if (signal.aborted || month !== wanted) return;
      free = new Set();
      below.replaceChildren(drawErrorNotice(error, { again: () => show(wanted) }));
    }
    grid.removeAttribute("aria-busy");
    drawDays();
  }

  function offerNextMonth() {
    const following = addMonths(month, 1);
    below.replaceChildren(
      el(
        "p",
        { class: "notice", role: "status" },
        t.time.noneIn(writeMonth(month)),
        " ",
        button(t.time.lookIn(writeMonth(following)), () => turn(1), { class: "link" }),
      ),
    );
  }

  function drawDays() {
    const focused = /** @type {HTMLElement | null} */ (grid.querySelector(":focus"));
    const days = daysOf(month);
    // Where the visitor is, else a day with hours, so that Tab leads to what can be chosen.
    const stop =
      [at, focused?.dataset.day].find((day) => day && days.includes(day)) ??
      days.find((day) => free?.has(day)) ??
      days.find((day) => day >= today()) ??
      days[0];
    /** @type {(string | undefined)[]} */
    const cells = [...Array(dayOfWeek(days[0])).fill(undefined), ...days];
    const weeks = Array.from({ length: Math.ceil(cells.length / WEEK) }, (_, week) =>
      Array.from({ length: WEEK }, (_, index) => cells[week * WEEK + index]),
    );
    const sunday = addDays(days[0], -dayOfWeek(days[0]));
    const weekdays = Array.from({ length: WEEK }, (_, index) => addDays(sunday, index));
    grid.replaceChildren(
      el(
        "thead",
        {},
        el(
          "tr",
          {},
          weekdays.map((day) =>
            el("th", { scope: "col", abbr: writeWeekday(day, "long") }, writeWeekday(day, "short")),
          ),
        ),
      ),
      el(
        "tbody",
        {},
        weeks.map((week) =>
          el(
            "tr",
            {},
            week.map((day) => el("td", {}, day && drawDay(day, day === stop))),
          ),
        ),
      ),
    );
    if (focused) /** @type {HTMLElement | null} */ (grid.querySelector('[tabindex="0"]'))?.focus();
  }

  /** @param {string} day @param {boolean} isStop Tab stops at it */
  function drawDay(day, isStop) {
    const isFree = free?.has(day);
    return button(String(Number(day.slice(-2))), () => pick(day), {
      "aria-label": free && !isFree ? `${writeDay(day)}, ${t.time.notFree}` : writeDay(day),
      "aria-disabled": isFree ? "false" : "true",
      "aria-pressed": isFree && (day === chosen ? "true" : "false"),
      "aria-current": day === today() && "date",
      "data-day": day,
      tabindex: isStop ? "0" : "-1",
    });
  }

  /** @param {string} day */
  function pick(day) {
    if (!free?.has(day)) return;
    at = chosen = day;
    drawDays();
    choose(day);
  }

  /** @param {KeyboardEvent} event */
  function walk(event) {
    const from = /** @type {HTMLElement} */ (event.target).dataset.day;
    if (!from || event.altKey || event.ctrlKey || event.metaKey) return;
    /** @type {Record<string, () => string>} */
    const steps = {
      ArrowLeft: () => addDays(from, -1),
      ArrowRight: () => addDays(from, 1),
      ArrowUp: () => addDays(from, -WEEK),
      ArrowDown: () => addDays(from, WEEK),
      Home: () => addDays(from, -dayOfWeek(from)),
      End: () => addDays(from, WEEK - 1 - dayOfWeek(from)),
      PageUp: () => sameDay(addMonths(month, -1), from),
      PageDown: () => sameDay(addMonths(month, 1), from),
    };
    const to = steps[event.key]?.();
    if (!to) return;
    event.preventDefault();
    const earliest = `${monthOf(today())}-01`;
    at = to < earliest ? earliest : to;
    if (monthOf(at) !== month) show(monthOf(at));
    else drawDays();
  }

  show(month);
  return el(
    "section",
    { class: "calendar" },
    el("div", { class: "month" }, previous, title, next),
    grid,
    below,
  );
}

/** The same day of another month, or that month's last. @param {string} month @param {string} day */
function sameDay(month, day) {
  const days = daysOf(month);
  return days[Math.min(Number(day.slice(-2)), days.length) - 1];
}
