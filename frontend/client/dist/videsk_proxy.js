/** The calls: every route that the proxy has for a page, typed by its OpenAPI document. */
import { mayBeTriedAgain, VideskProxyError } from "./errors.js";
import { exchange, pause } from "./exchange.js";
import { newIdempotencyKey } from "./idempotency.js";
const FIRST_BACKOFF_SECONDS = 0.5;
/** The calls. Each rejects with a VideskProxyError, or with the reason of its aborted signal. */
export class VideskProxy {
    #baseUrl;
    #fetch;
    #retries;
    #longestWaitSeconds;
    #timeoutSeconds;
    /** `baseUrl`: where the proxy is, without `/api`: `https://videsk-proxy.example`. */
    constructor(baseUrl, options = {}) {
        this.#baseUrl = baseUrl.replace(/\/+$/, "");
        this.#fetch = options.fetch;
        this.#retries = options.retries ?? 2;
        this.#longestWaitSeconds = options.longestWaitSeconds ?? 10;
        this.#timeoutSeconds = options.timeoutSeconds ?? 30;
    }
    /** All services, each with the users of whom the customer picks one. */
    services(call) {
        return this.#get("/api/services", {}, call);
    }
    /** The first instant of each free day of a month. `date`: a month, a day or an instant in it. */
    dates(kind, id, query, call) {
        return this.#get(`/api/${kind}/{id}/dates`, { id, query }, call);
    }
    /** The free hours of a day. `date`: a day or an instant in it. */
    hours(kind, id, query, call) {
        return this.#get(`/api/${kind}/{id}/hours`, { id, query }, call);
    }
    /** The hours of the first free days, at most `days` (7): of a month, or from a day or an instant on. */
    availability(kind, id, query, call) {
        return this.#get(`/api/${kind}/{id}/availability`, { id, query }, call);
    }
    /** The next free hours from now on, at most `limit` (3). */
    next(kind, id, query, call) {
        return this.#get(`/api/${kind}/{id}/next`, { id, query }, call);
    }
    /** The fields of a segment's form, and the captcha to show. `version`: `base` if left out. */
    form(segment, query = {}, call) {
        return this.#get("/api/forms/{segment}", { id: segment, query }, call);
    }
    book(kind, id, booking, call) {
        return this.#post(`/api/${kind}/{id}/appointments`, withReferrer(booking), { id }, call);
    }
    /** The appointment of this accessToken, from five minutes before its start until its end. */
    appointment(accessToken, call) {
        return this.#get("/api/appointment", { token: accessToken }, call);
    }
    /** Cancel the appointment of this actionToken. */
    cancel(actionToken, cancellation = {}, call) {
        return this.#post("/api/appointment/cancel", cancellation, { token: actionToken }, call);
    }
    /** Move the appointment of this actionToken. The answer has new tokens; the old ones are dead. */
    reschedule(actionToken, move, call) {
        return this.#post("/api/appointment/reschedule", move, { token: actionToken }, call);
    }
    /** The hours that are free, of a booking's conflict (409). Rejects with a TypeError for an error that names none. */
    alternatives(error, call) {
        return this.#send(() => {
            if (error.alternate === undefined)
                throw new TypeError("This error names no alternatives.");
            return { url: error.alternate, method: "GET", headers: new Headers() };
        }, call);
    }
    #get(path, { id, query, token }, call) {
        return this.#send(() => ({ url: this.#url(path, id) + search(query), method: "GET", headers: bearer(token) }), call);
    }
    #post(path, body, { id, token }, call) {
        const key = call?.idempotencyKey ?? newIdempotencyKey();
        const make = () => {
            const headers = bearer(token);
            headers.set("Content-Type", "application/json");
            headers.set("Idempotency-Key", key);
            return { url: this.#url(path, id), method: "POST", headers, body: JSON.stringify(body) };
        };
        return this.#send(make, call, key);
    }
    #url(path, id = "") {
        return this.#baseUrl + path.replace(/\{\w+\}/, encodeURIComponent(id));
    }
    /** Send the request that `make` returns until the answer is final. What it throws, the call rejects with. `idempotencyKey`: of a POST. */
    #send(make, call, idempotencyKey) {
        const done = this.#attempt(make, call, idempotencyKey);
        const data = done.then((result) => result.data);
        const withMetadata = () => {
            data.catch(() => { }); // the caller gets the same error from `done`
            return done;
        };
        return Object.assign(data, { withMetadata });
    }
    async #attempt(make, call = {}, idempotencyKey) {
        const request = make();
        const { signal, retries = this.#retries, timeoutSeconds = this.#timeoutSeconds } = call;
        const circumstances = { baseUrl: this.#baseUrl, idempotencyKey, mayHaveHappened: false };
        for (let retry = 0;; retry += 1) {
            const answer = await exchange(this.#fetch ?? globalThis.fetch, request, timeoutSeconds, signal);
            const data = parse(answer.text);
            if (answer.status >= 200 && answer.status < 300 && data !== undefined)
                return { data, metadata: describe(answer, data) };
            const error = new VideskProxyError(answer, data, circumstances);
            const waitSeconds = error.retryAfterSeconds ?? Math.min(backoffSeconds(retry), this.#longestWaitSeconds);
            if (!mayBeTriedAgain(error) || retry >= retries || waitSeconds > this.#longestWaitSeconds)
                throw error;
            circumstances.mayHaveHappened = error.outcomeUnknown;
            await pause(waitSeconds, signal);
        }
    }
}
function describe({ headers }, data) {
    const header = (name) => headers.get(name) ?? undefined;
    return { requestId: header("X-Request-ID"), cacheStatus: header("Cache-Status"), asOf: data?.asOf };
}
/**
 * The booking with the page's address as its `referrer`, unless it has one. Across origins, the `Referer`
 * header that the proxy would use instead has no path.
 */
function withReferrer(booking) {
    const referrer = booking.referrer ?? pageAddress();
    return referrer === undefined ? booking : { ...booking, referrer };
}
/** Without query and fragment, which may hold tokens. Undefined in Node, React Native, and pages of a file. */
function pageAddress() {
    const page = globalThis.location;
    return page && ["http:", "https:"].includes(page.protocol) ? page.origin + page.pathname : undefined;
}
/** Half a second, one, two, four…, less up to a half by chance, so that clients do not all retry at the same moment. */
function backoffSeconds(retry) {
    return FIRST_BACKOFF_SECONDS * 2 ** retry * (1 - Math.random() / 2);
}
/** Of a URL, or nothing; what is undefined is left out. */
function search(query = {}) {
    const pairs = Object.entries(query).flatMap(([name, value]) => value === undefined ? [] : [`${name}=${encodeURIComponent(value)}`]);
    return pairs.length ? `?${pairs.join("&")}` : "";
}
function bearer(token) {
    return new Headers(token === undefined ? {} : { Authorization: `Bearer ${token}` });
}
/** Its value; undefined where it is not JSON. */
function parse(text) {
    try {
        return JSON.parse(text);
    }
    catch {
        return undefined;
    }
}
//# sourceMappingURL=videsk_proxy.js.map