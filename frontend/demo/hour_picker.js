import { drawCalendar } from "./calendar.js";
import { button, el, say } from "./dom.js";
import { drawHours } from "./hours.js";
import { t } from "./language.js";
import { fill } from "./error_notice.js";
import { dayOf, today, writeDayOfYear, writeShortDay, writeTime, zone } from "./zone.js";

const SOONEST = 3;

/**
 * An hour that was taken meanwhile, and the free hours of that day, if known. `mayBeOurs`: it may have been
 * taken by this customer, in an attempt whose response was lost.
 *
 * @typedef {{startAt: string, free?: string[], mayBeOurs?: boolean}} TakenHour
 */

/**
 * Draws the next free hours, a calendar, and the hours of the chosen day.
 *
 * @param {object} given
 * @param {import("./videsk-proxy-client/index.js").VideskProxy} given.videsk
 * @param {["services" | "users", string]} given.target
 * @param {(hour: string) => void} given.choose
 * @param {AbortSignal} given.signal
 * @param {string} [given.startAt] the hour chosen before
 * @param {TakenHour} [given.taken]
 */
export function drawHourPicker({ videsk, target, choose, signal, startAt, taken }) {
  const call = { signal };
  const known = taken?.startAt ?? startAt;
  const day = known && dayOf(known) >= today() ? dayOf(known) : undefined;

  const soonest = drawSoonest();
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

  async function readSoonest() {
    const soon = await videsk.next(...target, { timezone: zone, limit: SOONEST }, call);
    const offered = soon.filter((hour) => hour !== taken?.startAt);
    if (offered.length === 0) return el("p", { class: "hint" }, t.time.soonestNone);
    return el(
      "ul",
      { class: "hours" },
      offered.map((hour) =>
        el(
          "li",
          {},
          button(`${writeShortDay(dayOf(hour))}, ${writeTime(hour)}`, () => choose(hour)),
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
  if (taken?.free?.length) {
    soonest.section.hidden = true;
  } else {
    // A convenience: where it fails, the month is still there.
    readSoonest()
      .catch(() => el("p", { class: "hint" }, t.time.soonestFailed))
      .then(soonest.show);
  }

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
    soonest.section,
    el("div", { class: taken ? "when taken" : "when" }, calendar, section),
  ];
}

/** The place of the soonest hours: as high as they will be, so that nothing below moves when they come. */
function drawSoonest() {
  const loading = el("p", { class: "hint" }, t.loading);
  const place = el(
    "div",
    { class: "place" },
    el(
      "div",
      { class: "hours", "aria-hidden": "true" },
      Array.from({ length: SOONEST }, () => el("div")),
    ),
    loading,
  );
  const section = el(
    "section",
    { class: "soonest", "aria-labelledby": "soonest", "aria-busy": "true" },
    el("h2", { id: "soonest" }, t.time.soonest),
    place,
  );
  return {
    section,
    /** @param {HTMLElement} content */
    show(content) {
      loading.replaceWith(content);
      section.removeAttribute("aria-busy");
    },
  };
}

/** @param {TakenHour} taken */
function drawTaken({ startAt, free, mayBeOurs }) {
  const others = free?.filter((hour) => hour !== startAt);
  return el(
    "div",
    { class: "notice warning", role: "alert" },
    el("p", {}, el("strong", {}, (mayBeOurs ? t.time.takenByUs : t.time.taken)(writeTime(startAt)))),
    others && el("p", {}, others.length ? t.time.takenFree : t.time.takenNone),
  );
}
