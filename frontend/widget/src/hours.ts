import type { Context } from "./context.js";
import { button, el } from "./dom.js";

/** If a day has more, only its first part is open. */
const MOST_OPEN = 48;

/**
 * Draw the hours of one day by the parts of it. `gone`: those that have been taken since they were
 * shown. `chosen`: the hour that a surrounding form has.
 */
export function drawHours(
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
