/** The one error that a call rejects with, unless its signal was aborted. */
export class VideskProxyError extends Error {
    /** Videsk's word for the kind of error, such as `Conflict`. */
    name;
    /** `code` of the body: usually, but not always, the HTTP status. */
    code;
    /** The name in kebab case. */
    className;
    data;
    /** Messages for the fields of the body, as deep as they lie in it: `{form: {0: {_id: ["…"]}}}`. */
    errors;
    /** The HTTP status; 0 where no answer came. */
    status;
    source;
    /** The id of this request in the proxy's log. */
    requestId;
    /** How long to wait before it is tried again. */
    retryAfterSeconds;
    /** Of a POST: pass it again, with the same body, to try the same booking again. */
    idempotencyKey;
    /** Of a booking's conflict: the URL of the hours that are free. */
    alternate;
    /** The booking, cancellation or move may have happened all the same. */
    outcomeUnknown;
    /** `body`: the answer's JSON; undefined where it is none. */
    constructor(answer, body, call) {
        const { status, headers, cause } = answer;
        const error = isObject(body) ? body : {};
        super(textOf(error.message) ?? explain(answer), { cause });
        this.name = textOf(error.name) ?? (status ? "UnknownError" : "NetworkError");
        this.code = typeof error.code === "number" ? error.code : status;
        this.className = textOf(error.className) ?? (status ? "unknown-error" : "network-error");
        this.data = error.data;
        this.errors = isObject(error.errors) ? error.errors : {};
        this.status = status;
        this.source = sourceOf(headers);
        this.requestId = headers.get("X-Request-ID") ?? undefined;
        this.retryAfterSeconds = secondsUntil(headers.get("Retry-After"));
        this.idempotencyKey = call.idempotencyKey;
        this.alternate = alternateOf(headers.get("Link"), call.baseUrl);
        this.outcomeUnknown = call.idempotencyKey !== undefined && this.#mayHaveHappened(call.mayHaveHappened);
    }
    /** Of a POST. `before`: an earlier attempt may have done it. */
    #mayHaveHappened(before) {
        if (this.data === OUTCOME_UNKNOWN || this.status < 400)
            return true;
        if (this.status < 500)
            return before && this.status === 429;
        const nothingWasSent = this.source === "proxy" ? this.status !== 500 : this.source === "videsk" && this.status === 503;
        return before || !nothingWasSent;
    }
}
const OUTCOME_UNKNOWN = "outcomeUnknown";
/** Whether sending it again can help, and is safe: a POST's key sees to it that it is done once. */
export function mayBeTriedAgain({ status, source, data, idempotencyKey }) {
    if (data === OUTCOME_UNKNOWN)
        return false;
    if ([0, 429, 503].includes(status))
        return true;
    const isRead = idempotencyKey === undefined;
    return [502, 504].includes(status) && (isRead || source !== "videsk");
}
/** The message for a response without one. */
function explain({ status, cause }) {
    if (status)
        return `HTTP ${status} came without a message.`;
    return `No answer came: ${cause instanceof Error ? cause.message : cause}.`;
}
function sourceOf(headers) {
    const source = headers.get("X-Error-Source");
    return source === "videsk" || source === "proxy" ? source : "network";
}
/** Of Retry-After: seconds or a date. */
function secondsUntil(retryAfter) {
    if (!retryAfter)
        return undefined;
    const seconds = /^\d+$/.test(retryAfter) ? Number(retryAfter) : (Date.parse(retryAfter) - Date.now()) / 1000;
    return Number.isNaN(seconds) ? undefined : Math.max(0, seconds);
}
/** Of Link: the target whose relation is `alternate`. The proxy writes it as a path of its own. */
function alternateOf(link, baseUrl) {
    const target = link?.match(/<([^>]*)>\s*;\s*rel="alternate"/)?.[1];
    return target?.startsWith("/") ? baseUrl + target : target;
}
function isObject(value) {
    return typeof value === "object" && value !== null && !Array.isArray(value);
}
function textOf(value) {
    return typeof value === "string" ? value : undefined;
}
//# sourceMappingURL=errors.js.map