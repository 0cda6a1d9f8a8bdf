/** A booking that is under way, stored in the tab: a reload must not lose the key that keeps it from being made twice. */

import type { BookingByUser, Decision, Kind } from "../../client/src/index.js";
import type { Known } from "./booked.js";
import type { CaptchaKey } from "./captcha.js";

export interface Attempt {
  decision: Decision;
  kind: Kind;
  target: string;
  booking: BookingByUser;
  about: Pick<Known, "service" | "agent">;
  captcha: CaptchaKey | undefined;
  sentAt: number;
}

/** For so long the proxy replays its response. */
const LONGEST_MS = 24 * 60 * 60 * 1000;
const name = (id: string) => `videsk:attempt:${id}`;

/** Store it, or with null remove it. `id`: of the element. */
export function storeAttempt(id: string, attempt: Attempt | null): void {
  try {
    if (attempt) sessionStorage.setItem(name(id), JSON.stringify(attempt));
    else sessionStorage.removeItem(name(id));
  } catch {
    // Without storage, a reload forgets it.
  }
}

export function loadAttempt(id: string): Attempt | undefined {
  try {
    const attempt: Attempt | null = JSON.parse(sessionStorage.getItem(name(id)) ?? "null");
    return attempt && attempt.sentAt + LONGEST_MS > Date.now() ? attempt : undefined;
  } catch {
    return undefined;
  }
}
