/** When a repeated POST keeps its Idempotency-Key, and when it gets a new one. */
import { VideskProxyError } from "./errors.js";
/**
 * Make a decision just before a POST is sent. The same request keeps the key of `previous`, so a
 * repeat (a double click, a lost answer) is done once. Any other request gets a new key.
 *
 * After an error, drop the decision unless `isOutcomeUnknown(error)`: a refused request was not done,
 * and its next attempt needs a new key.
 *
 * @param request all that is sent: whose hour, and the body. Compared as JSON.
 * @param previous the decision of the last attempt, if it was not dropped
 */
export function makeDecision(request, previous) {
    const isSame = previous !== undefined && JSON.stringify(previous.request) === JSON.stringify(request);
    return isSame ? previous : { request, idempotencyKey: newIdempotencyKey() };
}
/** Whether a POST that ended in this error may have been done all the same. So it is after an abort. */
export function isOutcomeUnknown(error) {
    return !(error instanceof VideskProxyError) || error.outcomeUnknown;
}
/**
 * For a decision of the customer's: the proxy does what has the same key only once.
 * It is bound to its request there, so it has to be unique but need not be secret.
 */
export function newIdempotencyKey() {
    const bytes = new Uint8Array(16);
    // Node 18 and React Native may have no crypto; a page of plain http has it, but no randomUUID.
    if (globalThis.crypto)
        globalThis.crypto.getRandomValues(bytes);
    else
        bytes.forEach((_, index) => (bytes[index] = Math.random() * 256));
    return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
//# sourceMappingURL=idempotency.js.map