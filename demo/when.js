import { drawCalendar } from "./calendar.js";
import { button, el, say } from "./dom.js";
import { drawHours } from "./hours.js";
import { t } from "./language.js";
import { fill } from "./problem.js";
import { dayOf, today, writeDayOfYear, writeShortDay, writeTime, zone } from "./zone.js";

const SOONEST = 3;

/**
 * An hour that was refused because somebody was faster, and what is free that day instead, if known.
 * `mayBeOurs`: that somebody may be this customer, by an attempt whose answer got lost.
 *
 * @typedef {{startAt: string, free?: string[], mayBeOurs?: boolean}} Taken
 */

/**
 * Everything to choose an hour by: the soonest ones, the month, the day's hours.
 *
 * @param {object} given
 * @param {import("./videsk-proxy-client/index.js").VideskProxy} given.videsk
 * @param {["services" | "users", string]} given.target
 * @param {(hour: string) => void} given.choose
 * @param {AbortSignal} given.signal
 * @param {string} [given.startAt] the hour chosen before
 * @param {Taken} [given.taken]
 */
export function drawWhen({ videsk, target, choose, signal, startAt, taken }) {
  const call = { signal };
  const known = taken?.startAt ?? startAt;
  const day = known && dayOf(known) >= today() ? dayOf(known) : undefined;

  const soonest = el("section", { class: "soonest", hidden: true });
  const hours = el("div");
  const heading = el("h2", { tabindex: "-1", hidden: true });
  const section = el("section", { class: "day" }, heading, hours);
  const hint = () => el("p", { class: "hint" }, t.time.pickDay);

  /** @param {string} day */
  function openDay(day) {
    heading.hidden = false;
    heading.textContent = writeDayOfYear(day);
    return fill(
      hours,
      signal,
      () => videsk.hours(...target, { date: day, timezone: zone }, call),
      (free) => showHours(free),
    );
  }

  /** @param {string[]} free */
  function showHours(free) {
    // The hour that was refused may still be listed: of a service, while another agent has it free.
    const offered = free.filter((hour) => hour !== taken?.startAt);
    hours.replaceChildren(
      ...(offered.length
        ? drawHours(offered, choose)
        : [el("p", { class: "notice", role: "status" }, t.time.noHours)]),
    );
    say(t.time.freeHours(offered.length));
  }

  async function showSoonest() {
    const soon = await videsk.next(...target, { timezone: zone, limit: SOONEST }, call);
    const offered = soon.filter((hour) => hour !== taken?.startAt);
    soonest.hidden = offered.length === 0;
    soonest.replaceChildren(
      el("h2", {}, t.time.soonest),
      el(
        "ul",
        { class: "hours" },
        offered.map((hour) =>
          el(
            "li",
            {},
            button(`${writeShortDay(dayOf(hour))}, ${writeTime(hour)}`, () => choose(hour)),
          ),
        ),
      ),
    );
  }

  hours.append(hint());
  if (day && taken?.free) {
    heading.hidden = false;
    heading.textContent = writeDayOfYear(day);
    showHours(taken.free);
  } else if (day) {
    openDay(day);
  }
  // A convenience: where it fails, the month is still there.
  if (!taken?.free?.length) showSoonest().catch(() => {});

  const calendar = drawCalendar({
    read: (month) => videsk.dates(...target, { date: month, timezone: zone }, call),
    choose: async (day) => {
      await openDay(day);
      // On a telephone the hours are below the month; to the ear they are elsewhere anyway.
      if (!signal.aborted) heading.focus();
    },
    signal,
    day,
  });
  return [
    taken && drawTaken(taken),
    soonest,
    el("div", { class: taken ? "when taken" : "when" }, calendar, section),
  ];
}

/** @param {Taken} taken */
function drawTaken({ startAt, free, mayBeOurs }) {
  const others = free?.filter((hour) => hour !== startAt);
  return el(
    "div",
    { class: "notice warning", role: "alert" },
    el("p", {}, el("strong", {}, (mayBeOurs ? t.time.takenByUs : t.time.taken)(writeTime(startAt)))),
    others && el("p", {}, others.length ? t.time.takenFree : t.time.takenNone),
  );
}
