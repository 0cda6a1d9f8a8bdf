import { VideskProxyError } from "../../client/src/errors.js";
import type { Context } from "./context.js";
import { button, el } from "./dom.js";
import { write } from "./language.js";

type Problem = Pick<VideskProxyError, "status" | "source" | "message" | "data" | "requestId" | "retryAfterSeconds" | "outcomeUnknown">;

/** The browser is offline: nothing was sent, so nothing is in doubt. */
export const OFFLINE = { status: 0, outcomeUnknown: false } as Problem;

/** The page was reloaded before the response to a booking came. */
export const INTERRUPTED = { status: 0, source: "network", outcomeUnknown: true } as Problem;

/** Whether a captcha's token is missing or was refused. Nothing was booked. */
export function isAboutToken({ status, message, data }: any): boolean {
  return (status === 400 && message.includes('"token"')) || data?.extraData !== undefined;
}

/** Return the title and text for an error. */
function explain(ctx: Context, error: Problem, byToken: boolean): [string, string] {
  const t = ctx.t.problems;
  if (error.outcomeUnknown) return [t.unknown, `${t.unknownText} ${canBeChecked(error) ? t.checkText : ""}`];
  if (error === OFFLINE || (error.status === 0 && !navigator.onLine)) return [t.offline, t.offlineText];
  if (error.status === 0) return [t.unreachable, t.unreachableText];
  if (error.status === 401 && byToken) return [t.deadToken, t.deadTokenText];
  if (error.status === 404) return [t.gone, t.goneText];
  if (isAboutToken(error)) return [t.captcha, t.captchaText];
  if (error.status === 429 && error.source === "proxy")
    return [t.limited, ctx.count(t.limitedText, Math.ceil(error.retryAfterSeconds ?? 0))];
  if ([429, 503].includes(error.status)) return [t.busy, t.busyText];
  // Without a token it is the proxy's own key that Videsk refuses.
  if ([401, 403].includes(error.status) || error.status >= 500) return [t.failed, t.failedText];
  return [t.refused, t.refusedText];
}

/**
 * Whether the same key can still bring the first answer: not once the proxy itself, or Videsk, has left
 * the outcome open, because then the proxy answers the same for ever.
 */
function canBeChecked({ source, status, data }: Problem): boolean {
  return source === "network" || ([429, 503].includes(status) && data !== "outcomeUnknown");
}

/**
 * Show what went wrong and what to do next. `anew` is for a write of unknown outcome: a new decision,
 * beside `again`, which repeats the same one. `byToken`: an appointment's token was sent.
 */
export function drawErrorNotice(
  ctx: Context,
  error: unknown,
  { again, anew, byToken = false }: { again?: (() => void) | undefined; anew?: () => void; byToken?: boolean },
): HTMLElement {
  const { t } = ctx;
  // Anything else is a fault of the widget: no answer of the proxy's, and no lost connection.
  const problem = (error instanceof VideskProxyError || error === OFFLINE || error === INTERRUPTED ? error : { status: 500 }) as Problem;
  const [title, text] = explain(ctx, problem, byToken);
  const unknown = problem.outcomeUnknown;
  return el(
    "div",
    { class: unknown ? "notice warning" : "notice error", part: "notice", role: "alert", tabindex: "-1" },
    el("p", {}, el("strong", {}, title)),
    el("p", {}, text),
    problem.requestId && problem.status >= 500 && el("p", { class: "small" }, write(t.problems.reference, { id: problem.requestId })),
    el(
      "p",
      { class: "actions" },
      again && (!unknown || canBeChecked(problem)) && againButton(ctx, again, unknown ? t.problems.checkAgain : t.tryAgain, problem),
      unknown && anew && button(t.problems.anew, anew, { class: "quiet" }),
    ),
  );
}

/** Where the response has a Retry-After, the button counts down to it. */
function againButton(ctx: Context, again: () => void, text: string, { retryAfterSeconds }: Problem): HTMLButtonElement {
  const one = button(text, again, { class: "second", part: "button" });
  const end = Date.now() + (retryAfterSeconds ?? 0) * 1000;
  (function tick() {
    const left = Math.ceil((end - Date.now()) / 1000);
    one.disabled = left > 0;
    one.textContent = left > 0 ? write(ctx.t.tryAgainIn, { seconds: left }) : text;
    if (left > 0) setTimeout(tick, 250);
  })();
  return one;
}
