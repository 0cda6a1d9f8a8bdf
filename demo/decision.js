import { newIdempotencyKey } from "../client/dist/index.js";

/**
 * One idempotency key for each decision of the customer's: as long as what is asked for is the same,
 * so is the key, and a repeat (a double click, a lost answer) never does it twice.
 */
export function makeDecision() {
  let asked = "";
  let key = "";
  return {
    /** @param {unknown} request */
    keyFor(request) {
      const now = JSON.stringify(request);
      if (now !== asked) [asked, key] = [now, newIdempotencyKey()];
      return key;
    },
    /** After a definite no, or a deliberate "once more": the next request is a new decision. */
    forget() {
      asked = "";
    },
  };
}
