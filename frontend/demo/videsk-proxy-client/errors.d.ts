import type { Answer } from "./exchange.js";
/** Whose error it is: Videsk's, the proxy's, or of whatever lies between the proxy and here. */
export type ErrorSource = "videsk" | "proxy" | "network";
/** The one error that a call rejects with, unless its signal was aborted. */
export declare class VideskProxyError extends Error {
    #private;
    /** Videsk's word for the kind of error, such as `Conflict`. */
    readonly name: string;
    /** `code` of the body: usually, but not always, the HTTP status. */
    readonly code: number;
    /** The name in kebab case. */
    readonly className: string;
    readonly data: unknown;
    /** Messages for the fields of the body, as deep as they lie in it: `{form: {0: {_id: ["…"]}}}`. */
    readonly errors: Record<string, unknown>;
    /** The HTTP status; 0 where no answer came. */
    readonly status: number;
    readonly source: ErrorSource;
    /** The id of this request in the proxy's log. */
    readonly requestId: string | undefined;
    /** How long to wait before it is tried again. */
    readonly retryAfterSeconds: number | undefined;
    /** Of a POST: pass it again, with the same body, to try the same booking again. */
    readonly idempotencyKey: string | undefined;
    /** Of a booking's conflict: the URL of the hours that are free. */
    readonly alternate: string | undefined;
    /** The booking, cancellation or move may have happened all the same. */
    readonly outcomeUnknown: boolean;
    /** `body`: the answer's JSON; undefined where it is none. */
    constructor(answer: Answer, body: unknown, call: Circumstances);
}
/** What describes a call, besides its response. */
export interface Circumstances {
    baseUrl: string;
    /** A POST has one. */
    idempotencyKey: string | undefined;
    /** An earlier attempt of a POST may have done it. */
    mayHaveHappened: boolean;
}
/** Whether sending it again can help, and is safe: a POST's key sees to it that it is done once. */
export declare function mayBeTriedAgain({ status, source, data, idempotencyKey }: VideskProxyError): boolean;
