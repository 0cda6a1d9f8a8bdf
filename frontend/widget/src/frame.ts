/** What surrounds the steps. */

import { button, el, fill } from "./dom.js";
import { NAMES } from "./language.js";
import type { Texts } from "./language.js";

/** Draw it empty into the shadow root: inline, or in a dialog. */
export function drawFrame(root: ShadowRoot, mode: string | null, close: () => void): HTMLElement {
  const frame = el(
    "div",
    { class: "frame", part: "frame" },
    el("slot", { name: "heading" }),
    el("nav", { id: "progress", part: "progress", hidden: true }),
    el("section", { id: "summary", part: "summary", "aria-labelledby": "summary-title", hidden: true }),
    el("section", { id: "step", part: "step", "aria-busy": "true" }),
    el("div", { class: "bottom", part: "footer" }, el("slot", { name: "footer" }), el("div", { id: "languages" })),
    el("p", { id: "announcement", class: "unseen", role: "status" }),
  );
  const closer = button("×", close, { class: "close", part: "close", id: "close" });
  fill(root as unknown as Element, mode === "dialog" ? el("dialog", { class: "outer", part: "dialog", "aria-labelledby": "step" }, closer, frame) : frame);
  return frame;
}

/** Draw the choice of a language, where the page has not made it. */
export function drawLanguages(place: HTMLElement, t: Texts, current: string, choose: (language: string) => void): void {
  const select = el(
    "select",
    { "aria-label": t.language, onchange: () => choose(select.value), part: "input" },
    Object.entries(NAMES).map(([language, name]) => el("option", { value: language, lang: language, selected: language === current }, name)),
  );
  fill(place, select);
}
