/** The calls: every route that the proxy has for a page, typed by its OpenAPI document. */
import { VideskProxyError } from "./errors.js";
import type { Appointment, Availability, AvailabilityQuery, Booking, BookingByService, BookingByUser, Canceled, Cancellation, DatesQuery, Form, FormQuery, HoursQuery, Kind, Move, NextQuery, Service } from "./types.js";
export interface Options {
    /** Another `fetch` than the global one, which is looked up at each attempt. */
    fetch?: typeof globalThis.fetch;
    /** How often a call is tried again after its first attempt (2). */
    retries?: number;
    /** A longer `Retry-After` is thrown, not waited for (10). */
    longestWaitSeconds?: number;
    /** For one attempt, to the answer's last byte (30). */
    timeoutSeconds?: number;
}
/** What every call takes as its last argument. */
export interface Call {
    /** Ends the call, its waits included. A POST that was aborted may have happened all the same. */
    signal?: AbortSignal | undefined;
    /** For POSTs: 1 to 255 visible ASCII characters. Left out, each call makes a new one. */
    idempotencyKey?: string | undefined;
    /** Instead of the client's `timeoutSeconds`. */
    timeoutSeconds?: number | undefined;
    /** Instead of the client's `retries`. */
    retries?: number | undefined;
}
/** Describes a successful response. */
export interface Metadata {
    /** The id of the request in the proxy's log. */
    requestId: string | undefined;
    /** How a read was served, such as `videsk-proxy; hit; ttl=4` (RFC 9211). Undefined for other calls. */
    cacheStatus: string | undefined;
    /** When the oldest part of an availability was fetched from Videsk. Undefined for other calls. */
    asOf: string | undefined;
}
/** What every call returns: a promise of the data, with a second one that adds the metadata. */
export interface ApiPromise<T> extends Promise<T> {
    withMetadata(): Promise<{
        data: T;
        metadata: Metadata;
    }>;
}
/** The calls. Each rejects with a VideskProxyError, or with the reason of its aborted signal. */
export declare class VideskProxy {
    #private;
    /** `baseUrl`: where the proxy is, without `/api`: `https://videsk-proxy.example`. */
    constructor(baseUrl: string, options?: Options);
    /** All services, each with the users of whom the customer picks one. */
    services(call?: Call): ApiPromise<Service[]>;
    /** The first instant of each free day of a month. `date`: a month, a day or an instant in it. */
    dates(kind: Kind, id: string, query: DatesQuery, call?: Call): ApiPromise<string[]>;
    /** The free hours of a day. `date`: a day or an instant in it. */
    hours(kind: Kind, id: string, query: HoursQuery, call?: Call): ApiPromise<string[]>;
    /** The hours of the first free days, at most `days` (7): of a month, or from a day or an instant on. */
    availability(kind: Kind, id: string, query: AvailabilityQuery, call?: Call): ApiPromise<Availability>;
    /** The next free hours from now on, at most `limit` (3). */
    next(kind: Kind, id: string, query: NextQuery, call?: Call): ApiPromise<string[]>;
    /** The fields of a segment's form, and the captcha to show. `version`: `base` if left out. */
    form(segment: string, query?: FormQuery, call?: Call): ApiPromise<Form>;
    /**
     * Book an hour: of a service, where Videsk picks the user, or of a user. Without a `referrer`, the
     * e-mailed links lead back to the page that calls this.
     */
    book(kind: "services", id: string, booking: BookingByService, call?: Call): ApiPromise<Booking>;
    book(kind: "users", id: string, booking: BookingByUser, call?: Call): ApiPromise<Booking>;
    /** The appointment of this accessToken, from five minutes before its start until its end. */
    appointment(accessToken: string, call?: Call): ApiPromise<Appointment>;
    /** Cancel the appointment of this actionToken. */
    cancel(actionToken: string, cancellation?: Cancellation, call?: Call): ApiPromise<Canceled>;
    /** Move the appointment of this actionToken. The answer has new tokens; the old ones are dead. */
    reschedule(actionToken: string, move: Move, call?: Call): ApiPromise<Booking>;
    /** The hours that are free, of a booking's conflict (409). Rejects with a TypeError for an error that names none. */
    alternatives(error: VideskProxyError, call?: Call): ApiPromise<string[]>;
}
