import { button, el } from "./dom.js";
import { t } from "./language.js";
import { VideskProxyError } from "./videsk-proxy-client/index.js";

/** @typedef {VideskProxyError} Problem */

/** The browser is offline: nothing was sent, so nothing is in doubt. */
export const OFFLINE = /** @type {Problem} */ ({ status: 0 });

/** Returns the title and text for an error. @param {Problem} error @param {boolean} byToken */
function explain(error, byToken) {
  const say = t.problems;
  if (error.outcomeUnknown)
    return [say.unknown, `${say.unknownText} ${canBeChecked(error) ? say.checkText : ""}`];
  if (error === OFFLINE || (error.status === 0 && !navigator.onLine)) return [say.offline, say.offlineText];
  if (error.status === 0) return [say.unreachable, say.unreachableText];
  if (error.status === 401 && byToken) return [say.deadToken, say.deadTokenText];
  if (error.status === 404) return [say.gone, say.goneText];
  if (error.status === 429 && error.source === "proxy")
    return [say.limited, say.limitedText(Math.ceil(error.retryAfterSeconds ?? 0))];
  if ([429, 503].includes(error.status)) return [say.busy, say.busyText];
  // Without a token it is the proxy's own key that Videsk refuses.
  if ([401, 403].includes(error.status)) return [say.failed, say.failedText];
  if (error.status < 500) return [say.refused, say.refusedText];
  return [say.failed, say.failedText];
}

/**
 * Whether the same key can still bring the first answer: not once the proxy itself, or Videsk, has left
 * the outcome open, because then the proxy answers the same for ever.
 *
 * @param {Problem} error of unknown outcome
 */
function canBeChecked({ source, status, data }) {
  return source === "network" || ([429, 503].includes(status) && data !== "outcomeUnknown");
}

/**
 * Shows what went wrong and what to do next. `anew` is for a write of unknown outcome: a decision of
 * its own, beside `again`, which repeats the same one. `byToken`: an appointment's token was sent.
 *
 * @param {any} error
 * @param {{again?: () => void, anew?: () => void, byToken?: boolean}} given
 */
export function drawErrorNotice(error, { again, anew, byToken = false }) {
  // Whatever is no answer of the proxy's and no lost connection is a fault of this page.
  const problem = /** @type {Problem} */ (
    error instanceof VideskProxyError || error === OFFLINE ? error : { status: 500 }
  );
  const [title, text] = explain(problem, byToken);
  const unknown = problem.outcomeUnknown;
  return el(
    "div",
    { class: unknown ? "notice warning" : "notice error", role: "alert", tabindex: "-1" },
    el("p", {}, el("strong", {}, title)),
    el("p", {}, text),
    problem.requestId &&
      problem.status >= 500 &&
      el("p", { class: "small" }, t.problems.reference(problem.requestId)),
    el(
      "p",
      { class: "actions" },
      again &&
        (!unknown || canBeChecked(problem)) &&
        againButton(again, unknown ? t.problems.checkAgain : t.tryAgain, problem),
      unknown && anew && button(t.problems.anew, anew, { class: "quiet" }),
    ),
  );
}

/**
 * Where the response has a Retry-After, the button counts down to it.
 *
 * @param {() => void} again
 * @param {string} text
 * @param {{retryAfterSeconds?: number}} problem
 */
function againButton(again, text, { retryAfterSeconds }) {
  const one = button(text, again, { class: "second" });
  const end = Date.now() + (retryAfterSeconds ?? 0) * 1000;
  (function tick() {
    const left = Math.ceil((end - Date.now()) / 1000);
    one.disabled = left > 0;
    one.textContent = left > 0 ? t.tryAgainIn(left) : text;
    if (left > 0) setTimeout(tick, 250);
  })();
  return one;
}

/**
 * Fills a place with what is read: a skeleton first, then the answer, or the problem and a way on.
 *
 * @template T
 * @param {HTMLElement} place
 * @param {AbortSignal} signal
 * @param {() => Promise<T>} read
 * @param {(answer: T) => void} show
 */
export async function fill(place, signal, read, show) {
  place.setAttribute("aria-busy", "true");
  place.replaceChildren(drawSkeleton());
  try {
    const answer = await read();
    if (!signal.aborted) show(answer);
  } catch (error) {
    if (!signal.aborted)
      place.replaceChildren(drawErrorNotice(error, { again: () => fill(place, signal, read, show) }));
  } finally {
    place.removeAttribute("aria-busy");
  }
}

function drawSkeleton() {
  return el(
    "div",
    { class: "skeleton" },
    el("p", { class: "hint" }, t.loading),
    [0, 1, 2].map(() => el("div", { "aria-hidden": "true" })),
  );
}
