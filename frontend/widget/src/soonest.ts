/** The next free hours that are worth a choice: not three in a row, but spread over two days. */

import type { Availability } from "../../client/src/index.js";
import type { Context } from "./context.js";
import { SOONEST } from "./time_step.js";
import type { TimeStep } from "./time_step.js";

const DAYS = 2;
const APART_MS = 3 * 60 * 60 * 1000;

/** Read the hours of the first two free days. */
export async function readFirstDays({ videsk, clock }: Context, { target, signal }: TimeStep): Promise<string[][]> {
  const query = { date: clock.today(), timezone: clock.zone, days: DAYS };
  const { days }: Availability = await videsk!.availability(...target, query, { signal });
  return Object.values(days);
}

/**
 * Choose the soonest hour, one later that day and the first of the next day. If the day has none that is late
 * enough, the next day has two, and in the end those that follow the soonest are better than none.
 */
export function spread(days: string[][]): string[] {
  const wanted = [...days.flatMap((day) => [day[0], laterThan(day)]), ...days.flat()];
  return [...new Set(wanted)].filter((hour) => hour !== undefined).slice(0, SOONEST).sort();
}

const laterThan = ([first, ...hours]: string[]) => hours.find((hour) => Date.parse(hour) - Date.parse(first!) >= APART_MS);

/** Whether a shown hour has been taken since. Beyond the days that were read, nothing is certain. */
export function isTaken(hour: string, days: string[][]): boolean {
  const free = days.flat();
  return !free.includes(hour) && (days.length < DAYS || hour < free.at(-1)!);
}
