// Days and hours as the visitor's own time zone has them. An instant is what the proxy sends
// ("2026-12-01T03:00:00.000Z"), a day is "2026-12-01", a month "2026-12". Instants become days through
// Intl alone: some days have no midnight (Santiago, 2026-09-06) and some have 25 hours. Days are
// counted on in UTC, where every day has 24.

import { locale } from "./language.js";

/** @type {string} */
export const zone = Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC";

const DAY_MS = 86_400_000;
const numbers = new Intl.DateTimeFormat("en-u-ca-gregory-nu-latn", {
  timeZone: zone,
  hourCycle: "h23",
  year: "numeric",
  month: "2-digit",
  day: "2-digit",
  hour: "2-digit",
});

/** @param {string | number} instant */
function partsOf(instant) {
  return Object.fromEntries(numbers.formatToParts(new Date(instant)).map(({ type, value }) => [type, value]));
}

/** @param {string | number} instant */
export function dayOf(instant) {
  const { year, month, day } = partsOf(instant);
  return `${year.padStart(4, "0")}-${month}-${day}`;
}

/** The hour of the day, 0 to 23. @param {string} instant */
export const hourOf = (instant) => Number(partsOf(instant).hour);

export const today = () => dayOf(Date.now());

/** @param {string} day */
export const monthOf = (day) => day.slice(0, 7);

/** @param {string} day */
const inUTC = (day) => new Date(`${day}T12:00:00Z`);

/** @param {string} day @param {number} count */
export const addDays = (day, count) =>
  new Date(inUTC(day).getTime() + count * DAY_MS).toISOString().slice(0, 10);

/** @param {string} month @param {number} count */
export function addMonths(month, count) {
  const [year, number] = month.split("-").map(Number);
  return new Date(Date.UTC(year, number - 1 + count)).toISOString().slice(0, 7);
}

/** @param {string} month */
export function daysOf(month) {
  const first = `${month}-01`;
  const days = (inUTC(`${addMonths(month, 1)}-01`).getTime() - inUTC(first).getTime()) / DAY_MS;
  return Array.from({ length: days }, (_, index) => addDays(first, index));
}

/** How many days the week is old on this day, as the visitor's country begins it. @param {string} day */
export function dayOfWeek(day) {
  const its = /** @type {any} */ (new Intl.Locale(locale));
  const firstDay = (its.getWeekInfo?.() ?? its.weekInfo ?? { firstDay: 1 }).firstDay;
  return (inUTC(day).getUTCDay() - firstDay + 7) % 7;
}

/** @type {Map<string, Intl.DateTimeFormat>} */
const formats = new Map();

/** @param {Date} date @param {Intl.DateTimeFormatOptions} options */
function written(date, options) {
  const key = locale + JSON.stringify(options);
  const format = formats.get(key) ?? new Intl.DateTimeFormat(locale, options);
  formats.set(key, format);
  return format.format(date);
}

/** @param {string} day */
export const writeDay = (day) => written(inUTC(day), { timeZone: "UTC", dateStyle: "full" });

/** @param {string} day */
export const writeDayOfYear = (day) =>
  written(inUTC(day), { timeZone: "UTC", weekday: "long", day: "numeric", month: "long" });

/** @param {string} day */
export const writeShortDay = (day) =>
  written(inUTC(day), { timeZone: "UTC", weekday: "short", day: "numeric", month: "short" });

/** @param {string} month */
export const writeMonth = (month) =>
  written(inUTC(`${month}-01`), { timeZone: "UTC", month: "long", year: "numeric" });

/** @param {string} day @param {"short" | "long"} weekday */
export const writeWeekday = (day, weekday) => written(inUTC(day), { timeZone: "UTC", weekday });

/** No line ends within it. @param {string} instant */
export const writeTime = (instant) =>
  written(new Date(instant), { timeZone: zone, timeStyle: "short" }).replaceAll(" ", "\u00a0");

/** @param {string} startAt @param {string} endAt */
export const writeTimes = (startAt, endAt) =>
  new Intl.DateTimeFormat(locale, { timeZone: zone, timeStyle: "short" }).formatRange(
    new Date(startAt),
    new Date(endAt),
  );

/** For the hour that a night has twice. @param {string} instant */
export const writeTimeWithOffset = (instant) =>
  written(new Date(instant), {
    timeZone: zone,
    hour: "numeric",
    minute: "2-digit",
    timeZoneName: "shortOffset",
  });

export const writeZone = () => zone.replaceAll("_", " ");
