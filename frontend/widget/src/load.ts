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

/** Draw an error and a way on. Where not even that can be loaded, only the way on. */
export async function notice(ctx: Context, error: unknown, again: () => void): Promise<Child> {
  try {
    return (await ctx.loadMore()).drawErrorNotice(ctx, error, { again });
  } catch {
    // A script that the proxy no longer has, since an update, comes only with the page.
    const reload = () => (navigator.onLine ? location.reload() : again());
    return button("↻", reload, { "aria-label": "Reload", class: "second" });
  }
}
