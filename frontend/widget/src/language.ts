/** Which language and which conventions of time a visitor gets, and the texts of a language. */

import type { Conventions } from "./clock.js";
import { load } from "./storage.js";
import type { en } from "./texts/en.js";
import type { en as enLater } from "./texts/en.later.js";

/** Forms by the category of Intl.PluralRules. */
export type Plural = { other: string } & Partial<Record<Intl.LDMLPluralRule, string>>;
type Loose<T> = { [Name in keyof T]: T[Name] extends string ? string : T[Name] extends { other: string } ? Plural : Loose<T[Name]> };
export type Texts = Loose<typeof en & typeof enLater>;
export type SomeTexts = { [Part in keyof Texts]?: Texts[Part] extends object ? Partial<Texts[Part]> : Texts[Part] };

type Load = () => Promise<Record<string, object>>;
/** The texts up to the calendar, and those of later steps. */
const LANGUAGES: Record<string, [Load, Load]> = {
  en: [() => import("./texts/en.js"), () => import("./texts/en.later.js")],
  es: [() => import("./texts/es.js"), () => import("./texts/es.later.js")],
  pt: [() => import("./texts/pt.js"), () => import("./texts/pt.later.js")],
};

/** The languages built in, each with its own name for itself. */
export const NAMES = { en: "English", es: "Español", pt: "Português" };

const loadPart = async (language: string, part: 0 | 1) => (await LANGUAGES[language]![part]())[language] as Texts;
export const loadTexts = (language: string) => loadPart(language, 0);
export const loadLaterTexts = (language: string) => loadPart(language, 1);

/** Return the texts of all, the last one first. */
export function merge(...all: (SomeTexts | false)[]): Texts {
  const merged: Record<string, any> = {};
  for (const texts of all)
    for (const [name, value] of Object.entries(texts || {}))
      merged[name] = typeof value === "string" ? value : { ...merged[name], ...value };
  return merged as Texts;
}

/** Replace `{name}` in a text. */
export function write(text: string, values: Record<string, string | number>): string {
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole));
}

export function plural(locale: string, forms: Plural, count: number, values: Record<string, string> = {}): string {
  return write(forms[new Intl.PluralRules(locale).select(count)] ?? forms.other, { count, ...values });
}

/** Regions that write 24 hours, although their locale data has 12. */
const WRITE_24_HOURS = ["CL"];

const languageOf = (tag: string) => tag.toLowerCase().split(/[-_]/)[0] ?? "";

/** The tags that the visitor prefers: the one that the page sets, else the one chosen here, else the browser's. */
function preferredTags(requested: string | null): string[] {
  return requested ? [requested, ...navigator.languages] : [load("language"), ...navigator.languages].filter(Boolean);
}

/** The first language in the visitor's order that has texts here. */
export function chooseLanguage(requested: string | null): string {
  return preferredTags(requested).map(languageOf).find((language) => language in LANGUAGES) ?? "en";
}

/**
 * The conventions for texts in `language`. The region's own apply where the browser does not name
 * the language: a German browser reads English texts, with 24 hours and weeks that start on Monday.
 */
export function chooseConventions(
  language: string,
  { locale: requested, hasOwnTexts, firstDay, hourCycle, zone }: { locale: string | null; hasOwnTexts: boolean; firstDay: string | null; hourCycle: string | null; zone: string },
): Conventions {
  const tags = requested ? [requested] : navigator.languages;
  const own = requested && hasOwnTexts ? requested : tags.find((tag) => languageOf(tag) === language);
  const visitor = new Intl.Locale(own ?? tags[0] ?? language) as any;
  const region = visitor.region ?? visitor.maximize().region;
  const week = visitor.getWeekInfo?.() ?? visitor.weekInfo ?? { firstDay: 1 };
  const cycles: string[] = visitor.getHourCycles?.() ?? visitor.hourCycles ?? [];
  const cycle = hourCycle ?? (WRITE_24_HOURS.includes(region) ? "h23" : cycles[0]) ?? new Intl.DateTimeFormat(visitor.toString(), { hour: "numeric" }).resolvedOptions().hourCycle;
  return {
    locale: own ?? (region ? `${language}-${region}` : language),
    zone,
    hourCycle: String(cycle).startsWith("h1") ? "h12" : "h23",
    firstDay: Number(firstDay ?? week.firstDay),
  };
}

/** Whether the text of this locale runs from right to left. */
export function isRightToLeft(locale: string): boolean {
  const its = new Intl.Locale(locale) as any;
  return (its.getTextInfo?.() ?? its.textInfo)?.direction === "rtl";
}
