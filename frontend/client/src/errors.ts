import type { Answer } from "./exchange.js";

/** Whose error it is: Videsk's, the proxy's, or of whatever lies between the proxy and here. */
export type ErrorSource = "videsk" | "proxy" | "network";

/** The one error that a call rejects with, unless its signal was aborted. */
export class VideskProxyError extends Error {
  /** Videsk's word for the kind of error, such as `Conflict`. */
  override readonly name: string;
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
  constructor(answer: Answer, body: unknown, call: Circumstances) {
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
  #mayHaveHappened(before: boolean): boolean {
    if (this.data === OUTCOME_UNKNOWN || this.status < 400) return true;
    if (this.status < 500) return before && this.status === 429;
    const nothingWasSent =
      this.source === "proxy" ? this.status !== 500 : this.source === "videsk" && this.status === 503;
    return before || !nothingWasSent;
  }
}

/** What describes a call, besides its response. */
export interface Circumstances {
  baseUrl: string;
  /** A POST has one. */
  idempotencyKey: string | undefined;
  /** An earlier attempt of a POST may have done it. */
  mayHaveHappened: boolean;
}

const OUTCOME_UNKNOWN = "outcomeUnknown";

/** Whether sending it again can help, and is safe: a POST's key sees to it that it is done once. */
export function mayBeTriedAgain({ status, source, data, idempotencyKey }: VideskProxyError): boolean {
  if (data === OUTCOME_UNKNOWN) return false;
  if ([0, 429, 503].includes(status)) return true;
  const isRead = idempotencyKey === undefined;
  return [502, 504].includes(status) && (isRead || source !== "videsk");
}

/** The message for a response without one. */
function explain({ status, cause }: Answer): string {
  if (status) return `HTTP ${status} came without a message.`;
  return `No answer came: ${cause instanceof Error ? cause.message : cause}.`;
}

function sourceOf(headers: Headers): ErrorSource {
  const source = headers.get("X-Error-Source");
  return source === "videsk" || source === "proxy" ? source : "network";
}

/** Of Retry-After: seconds or a date. */
function secondsUntil(retryAfter: string | null): number | undefined {
  if (!retryAfter) return undefined;
  const seconds = /^\d+$/.test(retryAfter) ? Number(retryAfter) : (Date.parse(retryAfter) - Date.now()) / 1000;
  return Number.isNaN(seconds) ? undefined : Math.max(0, seconds);
}

/** Of Link: the target whose relation is `alternate`. The proxy writes it as a path of its own. */
function alternateOf(link: string | null, baseUrl: string): string | undefined {
  const target = link?.match(/<([^>]*)>\s*;\s*rel="alternate"/)?.[1];
  return target?.startsWith("/") ? baseUrl + target : target;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function textOf(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}
