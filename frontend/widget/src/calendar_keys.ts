/** The keys of the calendar: https://www.w3.org/WAI/ARIA/apg/patterns/dialog-modal/examples/datepicker-dialog/ */

import { WEEK } from "./calendar.js";
import { addDays, addMonths, daysOf, monthOf } from "./clock.js";
import type { Context } from "./context.js";

/** Return the day that a key leads to, from this month on; nothing for other keys. */
export function dayByKey({ clock, frame }: Context, event: KeyboardEvent, from: string): string | undefined {
  if (event.altKey || event.ctrlKey || event.metaKey) return undefined;
  const right = frame.dir === "rtl" ? -1 : 1;
  const steps: Record<string, () => string> = {
    ArrowLeft: () => addDays(from, -right),
    ArrowRight: () => addDays(from, right),
    ArrowUp: () => addDays(from, -WEEK),
    ArrowDown: () => addDays(from, WEEK),
    Home: () => addDays(from, -clock.dayOfWeek(from)),
    End: () => addDays(from, WEEK - 1 - clock.dayOfWeek(from)),
    PageUp: () => sameDay(from, -1),
    PageDown: () => sameDay(from, 1),
  };
  const to = steps[event.key]?.();
  const earliest = `${monthOf(clock.today())}-01`;
  return to && to < earliest ? earliest : to;
}

/** The same day so many months later, or that month's last. */
function sameDay(day: string, months: number): string {
  const days = daysOf(addMonths(monthOf(day), months));
  return days[Math.min(Number(day.slice(-2)), days.length) - 1]!;
}
