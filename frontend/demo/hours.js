import { button, el } from "./dom.js";
import { t } from "./language.js";
import { dayOf, hourOf, writeDay, writeTime, writeTimeWithOffset } from "./zone.js";

/** More than these, and only the first part of the day stands open. */
const AT_ONCE = 48;

/**
 * The free hours of one day by the parts of it.
 *
 * @param {string[]} hours instants
 * @param {(hour: string) => void} choose
 */
export function drawHours(hours, choose) {
  const parts = [
    { name: t.time.morning, until: 12 },
    { name: t.time.afternoon, until: 19 },
    { name: t.time.evening, until: 24 },
  ]
    .map(({ name, until }, index, all) => ({
      name,
      hours: hours.filter((hour) => hourOf(hour) < until && hourOf(hour) >= (all[index - 1]?.until ?? 0)),
    }))
    .filter((part) => part.hours.length > 0);

  const times = hours.map(writeTime);
  /** A night of 25 hours has one of them twice. @param {string} hour */
  const write = (hour) => {
    const time = writeTime(hour);
    return times.indexOf(time) === times.lastIndexOf(time) ? time : writeTimeWithOffset(hour);
  };

  return parts.map((part, index) =>
    el(
      "details",
      { open: index === 0 || hours.length <= AT_ONCE },
      el("summary", {}, part.name, " ", el("span", {}, t.time.freeHours(part.hours.length))),
      el(
        "ul",
        { class: "hours", "aria-label": part.name },
        part.hours.map((hour) =>
          el(
            "li",
            {},
            button(write(hour), () => choose(hour), {
              "aria-label": `${write(hour)}, ${writeDay(dayOf(hour))}`,
            }),
          ),
        ),
      ),
    ),
  );
}
