import { byId, button, el } from "./dom.js";
import { t } from "./language.js";

/**
 * A step as it is drawn. `onShow` runs once it is on the page.
 *
 * @typedef {object} Step
 * @property {string} title
 * @property {string} [lead]
 * @property {any[]} body
 * @property {() => void} [onShow]
 */

/**
 * Shows one step at a time, with the browser's Back and Forward. Each step is a function that draws it;
 * `signal` is aborted when the user leaves the step, which cancels its requests. `allowed` returns the step
 * to show instead of one that lacks an earlier choice.
 *
 * @param {object} plan
 * @param {string} plan.first
 * @param {Record<string, (signal: AbortSignal) => Step>} plan.steps
 * @param {(step: string) => string} plan.allowed
 * @param {(step: string, go: (step: string) => void) => void} [plan.around] draws what stands beside the steps
 */
export function makeFlow({ first, steps, allowed, around }) {
  let current = first;
  let leaving = new AbortController();

  function draw(takesFocus = true) {
    leaving.abort();
    leaving = new AbortController();
    current = allowed(current);
    const { title, lead, body, onShow } = steps[current](leaving.signal);
    const heading = el("h1", { tabindex: "-1" }, title);
    const back = button(t.back, () => history.back(), { class: "back" });
    const parts = [
      history.state.depth > 0 && back,
      heading,
      lead && el("p", { class: "lead" }, lead),
      ...body,
    ];
    byId("step").dataset.step = current;
    byId("step").replaceChildren(...parts.filter(Boolean));
    document.title = `${title} · ${t.brand}`;
    around?.(current, flow.go);
    if (takesFocus) {
      heading.focus({ preventScroll: true });
      scrollTo(0, 0);
    }
    onShow?.();
  }

  const flow = {
    /** @param {string} step */
    go(step) {
      current = step;
      history.pushState({ ...history.state, step, depth: history.state.depth + 1 }, "");
      draw();
    },
    /** The last step: there is no way back into the ones before. @param {string} step */
    end(step) {
      current = step;
      history.replaceState({ step, depth: 0 }, "");
      draw();
    },
    /** The same step anew: what it shows has changed. */
    redraw: () => draw(false),
    /** @param {string} step */
    isAt: (step) => current === step,
  };

  addEventListener("popstate", (event) => {
    current = event.state?.step ?? first;
    draw();
  });
  history.replaceState({ ...history.state, step: first, depth: 0 }, "");
  draw(false);
  return flow;
}

/**
 * Shows how far one has come; the steps behind are buttons.
 *
 * @param {string[]} names
 * @param {string} current
 * @param {(step: string) => void} go
 */
export function showProgress(names, current, go) {
  const place = byId("progress");
  place.setAttribute("aria-label", t.steps.label);
  const at = names.indexOf(current);
  place.hidden = at < 0;
  place.replaceChildren(
    el(
      "ol",
      {},
      names.map((name, index) => {
        const text = t.steps[/** @type {"service"} */ (name)];
        if (index < at)
          return el(
            "li",
            { class: "behind" },
            button(text, () => go(name)),
          );
        return el("li", { "aria-current": index === at && "step" }, el("span", {}, text));
      }),
    ),
  );
}

/**
 * Shows what has been chosen so far.
 *
 * @param {[label: string, value: string | undefined][]} rows
 */
export function showSummary(rows) {
  const place = byId("summary");
  const known = rows.filter(([, value]) => value);
  place.hidden = known.length === 0;
  place.replaceChildren(el("h2", { id: "summary-title" }, t.summary.label), facts(known));
  place.setAttribute("aria-labelledby", "summary-title");
}

/** @param {[label: string, value: string | undefined][]} rows */
export function facts(rows) {
  return el(
    "dl",
    { class: "facts" },
    rows
      .filter(([, value]) => value)
      .map(([label, value]) => el("div", {}, el("dt", {}, label), el("dd", {}, value))),
  );
}
