import type { Kind, Service } from "../../client/src/index.js";
import type { Context } from "./context.js";

/** What the first attempts that failed have come to, by their URLs. */
export type Failed = Map<string, Promise<Response>>;

/**
 * The two reads before the calendar. They do not wait for the client: each makes its first attempt itself,
 * and hands one that fails over to the client, which handles it as if it had been its own.
 */
export function makeReads(ctx: Context, failed: Failed): Pick<Context, "services" | "dates"> {
  async function read<T>(path: string, signal: AbortSignal, withClient: () => Promise<T>): Promise<T> {
    if (!ctx.videsk) {
      const url = ctx.proxy + path;
      const first = fetch(url, { credentials: "omit", signal });
      const response = await first.catch(() => undefined);
      if (response?.ok) return response.json() as T;
      failed.set(url, first);
      await ctx.loadMore();
    }
    return withClient();
  }

  return {
    services: (signal) => read<Service[]>("/api/services", signal, () => ctx.videsk!.services({ signal })),
    dates([kind, id]: [Kind, string], date, signal) {
      const timezone = ctx.clock.zone;
      const path = `/api/${kind}/${encodeURIComponent(id)}/dates?date=${date}&timezone=${encodeURIComponent(timezone)}`;
      return read<string[]>(path, signal, () => ctx.videsk!.dates(kind, id, { date, timezone }, { signal }));
    },
  };
}
