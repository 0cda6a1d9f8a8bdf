/**
 * Days and hours in one time zone, written for one locale. An instant is what the proxy sends
 * ("2026-12-01T03:00:00.000Z"), a day is "2026-12-01", a month "2026-12". Instants become days through
 * Intl alone: some days have no midnight (Santiago, 2026-09-06) and some have 25 hours. Days are
 * counted in UTC, where every day has 24.
 */

const DAY_MS = 86_400_000;
const inUTC = (day: string) => new Date(`${day}T12:00:00Z`);

export const monthOf = (day: string) => day.slice(0, 7);
export const addDays = (day: string, count: number) => new Date(inUTC(day).getTime() + count * DAY_MS).toISOString().slice(0, 10);

export function addMonths(month: string, count: number): string {
  const [year = 0, number = 1] = month.split("-").map(Number);
  return new Date(Date.UTC(year, number - 1 + count)).toISOString().slice(0, 7);
}

export function daysOf(month: string): string[] {
  const first = `${month}-01`;
  const days = (inUTC(`${addMonths(month, 1)}-01`).getTime() - inUTC(first).getTime()) / DAY_MS;
  return Array.from({ length: days }, (_, index) => addDays(first, index));
}

export interface Conventions {
  /** For Intl: the language of the texts, with the visitor's region. */
  locale: string;
  zone: string;
  hourCycle: "h12" | "h23";
  /** Of the week, 1 (Monday) to 7. */
  firstDay: number;
}

export class Clock {
  readonly #formats = new Map<string, Intl.DateTimeFormat>();
  readonly #numbers: Intl.DateTimeFormat;

  constructor(readonly conventions: Conventions) {
    this.#numbers = new Intl.DateTimeFormat("en-u-ca-gregory-nu-latn", {
      timeZone: conventions.zone,
      hourCycle: "h23",
      year: "numeric",
      month: "2-digit",
      day: "2-digit",
      hour: "2-digit",
    });
  }

  get zone(): string {
    return this.conventions.zone;
  }

  #parts(instant: string | number): Record<string, string> {
    return Object.fromEntries(this.#numbers.formatToParts(new Date(instant)).map(({ type, value }) => [type, value]));
  }

  dayOf(instant: string | number): string {
    const { year = "", month, day } = this.#parts(instant);
    return `${year.padStart(4, "0")}-${month}-${day}`;
  }

  /** The hour of the day, 0 to 23. */
  hourOf = (instant: string) => Number(this.#parts(instant).hour);
  today = () => this.dayOf(Date.now());

  /** How many days the week is old on this day. */
  dayOfWeek = (day: string) => (inUTC(day).getUTCDay() - this.conventions.firstDay + 7) % 7;

  #format(options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
    const key = JSON.stringify(options);
    const format = this.#formats.get(key) ?? new Intl.DateTimeFormat(this.conventions.locale, options);
    this.#formats.set(key, format);
    return format;
  }

  #writeDay = (day: string, options: Intl.DateTimeFormatOptions) => this.#format({ timeZone: "UTC", ...options }).format(inUTC(day));
  writeDay = (day: string) => this.#writeDay(day, { dateStyle: "full" });
  writeDayOfYear = (day: string) => this.#writeDay(day, { weekday: "long", day: "numeric", month: "long" });
  writeShortDay = (day: string) => this.#writeDay(day, { weekday: "short", day: "numeric", month: "short" });
  writeMonth = (month: string) => this.#writeDay(`${month}-01`, { month: "long", year: "numeric" });
  writeWeekday = (day: string, weekday: "short" | "long") => this.#writeDay(day, { weekday });
  writeDayNumber = (day: string) => this.#writeDay(day, { day: "numeric" });

  #time(more: Intl.DateTimeFormatOptions = {}): Intl.DateTimeFormat {
    const { zone, hourCycle } = this.conventions;
    return this.#format({ timeZone: zone, hourCycle, hour: "numeric", minute: "2-digit", ...more });
  }

  /** With no line break within it. */
  writeTime = (instant: string) => this.#time().format(new Date(instant)).replaceAll(" ", "\u00a0");
  writeTimes = (startAt: string, endAt: string) => this.#time().formatRange(new Date(startAt), new Date(endAt));

  /** For the hour that a night has twice. */
  writeTimeWithOffset = (instant: string) => this.#time({ timeZoneName: "shortOffset" }).format(new Date(instant));

  writeZone = () => this.zone.replaceAll("_", " ");
}
