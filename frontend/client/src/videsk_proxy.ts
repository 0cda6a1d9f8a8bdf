/** The calls: every route that the proxy has for a page, typed by its OpenAPI document. */

import { mayBeTriedAgain, VideskProxyError } from "./errors.js";
import { exchange, pause } from "./exchange.js";
import type { Answer, Exchange } from "./exchange.js";
import { newIdempotencyKey } from "./idempotency.js";
import type {
  Appointment,
  Availability,
  AvailabilityQuery,
  Body,
  Booking,
  BookingByService,
  BookingByUser,
  Canceled,
  Cancellation,
  DatesQuery,
  Form,
  FormQuery,
  Got,
  HoursQuery,
  Kind,
  Move,
  NextQuery,
  PathOf,
  Posted,
  Query,
  Service,
} from "./types.js";

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
  withMetadata(): Promise<{ data: T; metadata: Metadata }>;
}

const FIRST_BACKOFF_SECONDS = 0.5;

/** The calls. Each rejects with a VideskProxyError, or with the reason of its aborted signal. */
export class VideskProxy {
  readonly #baseUrl: string;
  readonly #fetch: typeof globalThis.fetch | undefined;
  readonly #retries: number;
  readonly #longestWaitSeconds: number;
  readonly #timeoutSeconds: number;

  /** `baseUrl`: where the proxy is, without `/api`: `https://videsk-proxy.example`. */
  constructor(baseUrl: string, options: Options = {}) {
    this.#baseUrl = baseUrl.replace(/\/+$/, "");
    this.#fetch = options.fetch;
    this.#retries = options.retries ?? 2;
    this.#longestWaitSeconds = options.longestWaitSeconds ?? 10;
    this.#timeoutSeconds = options.timeoutSeconds ?? 30;
  }

  /** All services, each with the users of whom the customer picks one. */
  services(call?: Call): ApiPromise<Service[]> {
    return this.#get("/api/services", {}, call);
  }

  /** The first instant of each free day of a month. `date`: a month, a day or an instant in it. */
  dates(kind: Kind, id: string, query: DatesQuery, call?: Call): ApiPromise<string[]> {
    return this.#get(`/api/${kind}/{id}/dates`, { id, query }, call);
  }

  /** The free hours of a day. `date`: a day or an instant in it. */
  hours(kind: Kind, id: string, query: HoursQuery, call?: Call): ApiPromise<string[]> {
    return this.#get(`/api/${kind}/{id}/hours`, { id, query }, call);
  }

  /** The hours of the first free days, at most `days` (7): of a month, or from a day or an instant on. */
  availability(kind: Kind, id: string, query: AvailabilityQuery, call?: Call): ApiPromise<Availability> {
    return this.#get(`/api/${kind}/{id}/availability`, { id, query }, call);
  }

  /** The next free hours from now on, at most `limit` (3). */
  next(kind: Kind, id: string, query: NextQuery, call?: Call): ApiPromise<string[]> {
    return this.#get(`/api/${kind}/{id}/next`, { id, query }, call);
  }

  /** The fields of a segment's form, and the captcha to show. `version`: `base` if left out. */
  form(segment: string, query: FormQuery = {}, call?: Call): ApiPromise<Form> {
    return this.#get("/api/forms/{segment}", { id: segment, query }, call);
  }

  /**
   * Book an hour: of a service, where Videsk picks the user, or of a user. Without a `referrer`, the
   * e-mailed links lead back to the page that calls this.
   */
  book(kind: "services", id: string, booking: BookingByService, call?: Call): ApiPromise<Booking>;
  book(kind: "users", id: string, booking: BookingByUser, call?: Call): ApiPromise<Booking>;
  book(kind: Kind, id: string, booking: BookingByService | BookingByUser, call?: Call): ApiPromise<Booking> {
    return this.#post(`/api/${kind}/{id}/appointments`, withReferrer(booking), { id }, call);
  }

  /** The appointment of this accessToken, from five minutes before its start until its end. */
  appointment(accessToken: string, call?: Call): ApiPromise<Appointment> {
    return this.#get("/api/appointment", { token: accessToken }, call);
  }

  /** Cancel the appointment of this actionToken. */
  cancel(actionToken: string, cancellation: Cancellation = {}, call?: Call): ApiPromise<Canceled> {
    return this.#post("/api/appointment/cancel", cancellation, { token: actionToken }, call);
  }

  /** Move the appointment of this actionToken. The answer has new tokens; the old ones are dead. */
  reschedule(actionToken: string, move: Move, call?: Call): ApiPromise<Booking> {
    return this.#post("/api/appointment/reschedule", move, { token: actionToken }, call);
  }

  /** The hours that are free, of a booking's conflict (409). Rejects with a TypeError for an error that names none. */
  alternatives(error: VideskProxyError, call?: Call): ApiPromise<string[]> {
    return this.#send(() => {
      if (error.alternate === undefined) throw new TypeError("This error names no alternatives.");
      return { url: error.alternate, method: "GET", headers: new Headers() };
    }, call);
  }

  #get<Path extends PathOf<"get">>(
    path: Path,
    { id, query, token }: { id?: string; query?: Query<Path>; token?: string },
    call?: Call,
  ): ApiPromise<Got<Path>> {
    return this.#send(() => ({ url: this.#url(path, id) + search(query), method: "GET", headers: bearer(token) }), call);
  }

  #post<Path extends PathOf<"post">>(
    path: Path,
    body: Body<Path>,
    { id, token }: { id?: string; token?: string },
    call?: Call,
  ): ApiPromise<Posted<Path>> {
    const key = call?.idempotencyKey ?? newIdempotencyKey();
    const make = (): Exchange => {
      const headers = bearer(token);
      headers.set("Content-Type", "application/json");
      headers.set("Idempotency-Key", key);
      return { url: this.#url(path, id), method: "POST", headers, body: JSON.stringify(body) };
    };
    return this.#send(make, call, key);
  }

  #url(path: string, id = ""): string {
    return this.#baseUrl + path.replace(/\{\w+\}/, encodeURIComponent(id));
  }

  /** Send the request that `make` returns until the answer is final. What it throws, the call rejects with. `idempotencyKey`: of a POST. */
  #send<T>(make: () => Exchange, call?: Call, idempotencyKey?: string): ApiPromise<T> {
    const done = this.#attempt<T>(make, call, idempotencyKey);
    const data = done.then((result) => result.data);
    const withMetadata = () => {
      data.catch(() => {}); // the caller gets the same error from `done`
      return done;
    };
    return Object.assign(data, { withMetadata });
  }

  async #attempt<T>(make: () => Exchange, call: Call = {}, idempotencyKey?: string): Promise<{ data: T; metadata: Metadata }> {
    const request = make();
    const { signal, retries = this.#retries, timeoutSeconds = this.#timeoutSeconds } = call;
    const circumstances = { baseUrl: this.#baseUrl, idempotencyKey, mayHaveHappened: false };
    for (let retry = 0; ; retry += 1) {
      const answer = await exchange(this.#fetch ?? globalThis.fetch, request, timeoutSeconds, signal);
      const data: any = parse(answer.text);
      if (answer.status >= 200 && answer.status < 300 && data !== undefined) return { data, metadata: describe(answer, data) };
      const error = new VideskProxyError(answer, data, circumstances);
      const waitSeconds = error.retryAfterSeconds ?? Math.min(backoffSeconds(retry), this.#longestWaitSeconds);
      if (!mayBeTriedAgain(error) || retry >= retries || waitSeconds > this.#longestWaitSeconds) throw error;
      circumstances.mayHaveHappened = error.outcomeUnknown;
      await pause(waitSeconds, signal);
    }
  }
}

function describe({ headers }: Answer, data: any): Metadata {
  const header = (name: string) => headers.get(name) ?? undefined;
  return { requestId: header("X-Request-ID"), cacheStatus: header("Cache-Status"), asOf: data?.asOf };
}

/**
 * The booking with the page's address as its `referrer`, unless it has one. Across origins, the `Referer`
 * header that the proxy would use instead has no path.
 */
function withReferrer<T extends BookingByService | BookingByUser>(booking: T): T {
  const referrer = booking.referrer ?? pageAddress();
  return referrer === undefined ? booking : { ...booking, referrer };
}

/** Without query and fragment, which may hold tokens. Undefined in Node, React Native, and pages of a file. */
function pageAddress(): string | undefined {
  const page = globalThis.location as Location | undefined;
  return page && ["http:", "https:"].includes(page.protocol) ? page.origin + page.pathname : undefined;
}

/** Half a second, one, two, four…, less up to a half by chance, so that clients do not all retry at the same moment. */
function backoffSeconds(retry: number): number {
  return FIRST_BACKOFF_SECONDS * 2 ** retry * (1 - Math.random() / 2);
}

/** Of a URL, or nothing; what is undefined is left out. */
function search(query: Record<string, string | number | undefined> = {}): string {
  const pairs = Object.entries(query).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}=${encodeURIComponent(value)}`],
  );
  return pairs.length ? `?${pairs.join("&")}` : "";
}

function bearer(token?: string): Headers {
  return new Headers(token === undefined ? {} : { Authorization: `Bearer ${token}` });
}

/** Its value; undefined where it is not JSON. */
function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
