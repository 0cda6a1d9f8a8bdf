// The page's language: the one chosen here before, else the browser's first that the page speaks.

import { load, save } from "./storage.js";
import { en } from "./texts.en.js";
import { es } from "./texts.es.js";

const texts = { en, es };

/** @typedef {keyof typeof texts} Language */

/** @type {Language} */
export let language;
/** Every text, in the page's language. */
export let t = en;
/** For Intl: the browser's own variety of the language (es-CL), whose conventions apply to dates. */
export let locale = "en";

/** @param {string} tag */
const base = (tag) => tag.toLowerCase().split("-")[0];
const speaks = (/** @type {string} */ tag) => base(tag) in texts;

/** @param {Language} chosen */
function speak(chosen) {
  language = chosen;
  t = texts[chosen];
  locale = navigator.languages.find((tag) => base(tag) === chosen) ?? chosen;
  document.documentElement.lang = chosen;
}

export function switchLanguage() {
  speak(language === "en" ? "es" : "en");
  save("language", language);
}

const first = [load("language"), ...navigator.languages, "en"].find((tag) => tag && speaks(tag));
speak(/** @type {Language} */ (base(first)));
