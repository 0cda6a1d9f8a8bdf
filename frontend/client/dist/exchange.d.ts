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
/** Send it and read the answer. Throws the signal's reason when that is aborted, and nothing else. */
export declare function exchange(fetch: typeof globalThis.fetch, { url, ...init }: Exchange, timeoutSeconds: number, signal: AbortSignal | undefined): Promise<Answer>;
/** Wait. Throws the signal's reason when that is aborted. */
export declare function pause(seconds: number, signal: AbortSignal | undefined): Promise<void>;
