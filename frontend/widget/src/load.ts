import type { Context } from "./context.js";
import { button, el, fill } from "./dom.js";
import type { Child } from "./dom.js";

/** Fill a place with what is read: a skeleton first, then the answer, or the error and a way on. */
export async function load<T>(
  ctx: Context,
  place: HTMLElement,
  signal: AbortSignal,
  read: () => Promise<T>,
  show: (answer: T) => void,
): Promise<void> {
  place.setAttribute("aria-busy", "true");
  fill(
    place,
    el("div", { class: "skeleton" }, el("p", { class: "hint" }, ctx.t.loading), [0, 1, 2].map(() => el("div", { "aria-hidden": "true" }))),
  );
  try {
    const answer = await read();
    if (!signal.aborted) {
      show(answer);
      ctx.ready();
    }
  } catch (error) {
    if (signal.aborted) return;
    ctx.report(error);
    fill(place, await notice(ctx, error, () => load(ctx, place, signal, read, show)));
  } finally {
    place.removeAttribute("aria-busy");
  }
}

/** Draw an error and a way on. If a script could not be loaded, the way on is to load the page again. */
export async function notice(ctx: Context, error: unknown, again: () => void): Promise<Child> {
  const more = error instanceof TypeError ? undefined : await ctx.loadMore().catch(() => undefined);
  if (more) return more.drawErrorNotice(ctx, error, { again });
  // After an update, the proxy has other scripts than those that this page names.
  const reload = () => (navigator.onLine ? location.reload() : again());
  return el(
    "div",
    { class: "notice error", part: "notice", role: "alert" },
    el("p", {}, ctx.t.notLoaded),
    el("p", { class: "actions" }, button(ctx.t.reload ?? "↻ Reload", reload, { class: "second", part: "button" })),
  );
}
