/** One request and its whole answer, and the pause before the next: a signal aborts both. */

/** What `fetch` is given, but for the signal. */
export interface Exchange {
  url: string;
  method: "GET" | "POST";
  headers: Headers;
  body?: string;
}

/** An HTTP answer, read to its end; where none came, the status 0 and what `fetch` threw. */
export interface Answer {
  status: number;
  headers: Headers;
  text: string;
  cause?: unknown;
}

/** setTimeout takes no more; what is longer (Infinity too) is cut to it, 24 days. */
const LONGEST_TIMER_MILLISECONDS = 2 ** 31 - 1;

/** Send it and read the answer. Throws the signal's reason when that is aborted, and nothing else. */
export async function exchange(
  fetch: typeof globalThis.fetch,
  { url, ...init }: Exchange,
  timeoutSeconds: number,
  signal: AbortSignal | undefined,
): Promise<Answer> {
  throwIfAborted(signal);
  // AbortSignal.any and AbortSignal.timeout would do this, but React Native has neither.
  const controller = new AbortController();
  let stop!: () => void;
  // Node's `fetch` may not notice an abort: https://github.com/nodejs/undici/issues/3644
  const stopped = new Promise<never>((_, reject) => {
    stop = () => reject(controller.abort());
  });
  const timer = setTimeout(stop, milliseconds(timeoutSeconds));
  signal?.addEventListener("abort", stop);
  const run = async (): Promise<Answer> => {
    const response = await fetch(url, { ...init, credentials: "omit", signal: controller.signal });
    return { status: response.status, headers: response.headers, text: await response.text() };
  };
  try {
    return await Promise.race([run(), stopped]);
  } catch (error) {
    throwIfAborted(signal);
    const cause = controller.signal.aborted ? new Error(`not within ${timeoutSeconds} s`) : error;
    return { status: 0, headers: new Headers(), text: "", cause };
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", stop);
  }
}

/** Wait. Throws the signal's reason when that is aborted. */
export async function pause(seconds: number, signal: AbortSignal | undefined): Promise<void> {
  throwIfAborted(signal);
  await new Promise<void>((resolve) => {
    const timer = setTimeout(end, milliseconds(seconds));
    signal?.addEventListener("abort", end);
    function end(): void {
      clearTimeout(timer);
      signal?.removeEventListener("abort", end);
      resolve();
    }
  });
  throwIfAborted(signal);
}

/** AbortSignal.throwIfAborted, which React Native lacks; there `reason` may be missing too. */
function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) {
    throw signal.reason ?? Object.assign(new Error("The call was aborted."), { name: "AbortError" });
  }
}

function milliseconds(seconds: number): number {
  return Math.min(seconds * 1000, LONGEST_TIMER_MILLISECONDS);
}
