const EVERY_MS = 20_000;

/** Run `check` every 20 seconds while the tab is visible, and when the visitor comes back to it. */
export function keepCurrent(signal: AbortSignal, check: () => Promise<void>): void {
  const run = () => {
    // A failed check changes nothing: what is shown may still be true, and the next one may succeed.
    if (document.visibilityState === "visible") check().catch(() => {});
  };
  const timer = setInterval(run, EVERY_MS);
  document.addEventListener("visibilitychange", run, { signal });
  signal.addEventListener("abort", () => clearInterval(timer));
}
