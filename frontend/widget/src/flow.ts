import type { Context } from "./context.js";
import { button, el, fill } from "./dom.js";
import type { Child } from "./dom.js";

/** A step as it is drawn. `onShow` runs once it is on the page. */
export interface Step {
  title: string;
  lead?: string;
  body: Child[];
  onShow?: () => void;
}

export type Rows = [label: string, value: string | undefined][];

export interface Flow {
  go(step: string): void;
  /** Show the step instead of the current one, which Back does not return to. */
  replace(step: string): void;
  /** The last step: there is no way back into the ones before. */
  end(step: string): void;
  /** Draw the same step again: what it shows has changed. */
  redraw(): void;
  isAt(step: string): boolean;
}

/**
 * Show one step at a time, with the browser's Back and Forward. Each step is a function that draws it;
 * `signal` is aborted when the visitor leaves the step, which cancels its requests. `allowed` returns the
 * step to show instead of one that lacks an earlier choice. `around` draws what stands beside the steps.
 */
export function makeFlow(
  ctx: Context,
  { first, steps, allowed, around }: {
    first: string;
    steps: Record<string, (signal: AbortSignal) => Step>;
    allowed: (step: string) => string;
    around?: (step: string, go: (step: string) => void) => void;
  },
): Flow {
  let current = first;
  let leaving = new AbortController();
  ctx.signal.addEventListener("abort", () => leaving.abort());

  function draw(takesFocus = true): void {
    leaving.abort();
    leaving = new AbortController();
    current = allowed(current);
    const { title, lead, body, onShow } = steps[current]!(leaving.signal);
    const heading = el("h2", { tabindex: "-1", part: "title" }, title);
    const place = ctx.byId("step");
    place.dataset.step = current;
    fill(
      place,
      (entry(ctx).depth ?? 0) > 0 && button(ctx.t.back, () => history.back(), { class: "back", part: "back" }),
      heading,
      lead && el("p", { class: "lead" }, lead),
      body,
    );
    around?.(current, flow.go);
    if (takesFocus) {
      heading.focus({ preventScroll: true });
      if (ctx.frame.getBoundingClientRect().top < 0) ctx.frame.scrollIntoView();
    }
    onShow?.();
  }

  const flow: Flow = {
    go(step) {
      current = step;
      push(ctx, { ...entry(ctx), step, depth: (entry(ctx).depth ?? 0) + 1 });
      draw();
    },
    replace(step) {
      current = step;
      replaceEntry(ctx.id, { ...entry(ctx), step });
      draw(ctx.frame.contains((ctx.frame.getRootNode() as ShadowRoot).activeElement));
    },
    end(step) {
      current = step;
      replaceEntry(ctx.id, { step, depth: 0 });
      draw();
    },
    redraw: () => draw(false),
    isAt: (step) => current === step,
  };

  addEventListener(
    "popstate",
    () => {
      const { step } = entry(ctx);
      // An entry of another part of the page, or of another element.
      if (step === undefined || step === current) return;
      current = step;
      draw();
    },
    { signal: ctx.signal },
  );
  replaceEntry(ctx.id, { ...entry(ctx), step: first, depth: 0 });
  draw(false);
  return flow;
}

/** What the element stores in the tab's history: the page's own state beside it is kept. */
interface Entry {
  step?: string;
  depth?: number;
  ticket?: { action: string; token: string };
}

export const entryOf = (id: string): Entry => history.state?.[id] ?? {};
export const replaceEntry = (id: string, entry: Entry) => history.replaceState({ ...history.state, [id]: entry }, "");
const entry = (ctx: Context) => entryOf(ctx.id);
const push = (ctx: Context, entry: Entry) => history.pushState({ ...history.state, [ctx.id]: entry }, "");

/** Show how far the visitor has come; the steps behind are buttons. */
export function showProgress(ctx: Context, names: string[], current: string, go: (step: string) => void): void {
  const place = ctx.byId("progress");
  place.setAttribute("aria-label", ctx.t.steps.label);
  const at = names.indexOf(current);
  place.hidden = at < 0;
  const items = names.map((name, index) => {
    const text = ctx.t.steps[name as "service"];
    if (index < at) return el("li", { class: "behind" }, button(text, () => go(name)));
    return el("li", { "aria-current": index === at && "step" }, el("span", {}, text));
  });
  fill(place, el("ol", {}, items));
}

/** Show what has been chosen so far. */
export function showSummary(ctx: Context, rows: Rows): void {
  const place = ctx.byId("summary");
  const known = rows.filter(([, value]) => value);
  place.hidden = known.length === 0;
  fill(place, el("p", { id: "summary-title" }, ctx.t.summary.label), facts(known));
}

export function facts(rows: Rows): HTMLElement {
  const known = rows.filter(([, value]) => value);
  return el("dl", { class: "facts" }, known.map(([label, value]) => el("div", {}, el("dt", {}, label), el("dd", {}, value))));
}
