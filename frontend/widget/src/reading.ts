import type { Kind, Service } from "../../client/src/index.js";
import type { Context } from "./context.js";

/** What the first attempts that failed have come to, by their URLs. */
export type Failed = Map<string, Promise<Response>>;

const SERVICES = "/api/services";

/**
 * The two reads before the calendar. They do not wait for the client: each makes its first attempt itself,
 * and hands one that fails over to the client, which handles it as if it had been its own.
 */
export function makeReads(ctx: Context, failed: Failed): Pick<Context, "prefetch" | "services" | "dates"> {
  /** The request of `prefetch`, until it is used by the first read, which is that of the services. */
  let early: Promise<Response> | undefined;
  const send = (path: string, signal: AbortSignal) => fetch(ctx.proxy + path, { credentials: "omit", signal });

  async function read<T>(path: string, signal: AbortSignal, withClient: () => Promise<T>): Promise<T> {
    if (!ctx.videsk) {
      const first = early ?? send(path, signal);
      early = undefined;
      const response = await first.catch(() => undefined);
      if (response?.ok) return response.json() as T;
      failed.set(ctx.proxy + path, first);
      await ctx.loadMore();
    }
    return withClient();
  }

  return {
    prefetch() {
      early = send(SERVICES, ctx.signal);
      early.catch(() => {}); // handled once it is used
    },
    services: (signal) => read<Service[]>(SERVICES, signal, () => ctx.videsk!.services({ signal })),
    dates([kind, id]: [Kind, string], date, signal) {
      const timezone = ctx.clock.zone;
      const path = `/api/${kind}/${encodeURIComponent(id)}/dates?date=${date}&timezone=${encodeURIComponent(timezone)}`;
      return read<string[]>(path, signal, () => ctx.videsk!.dates(kind, id, { date, timezone }, { signal }));
    },
  };
}
