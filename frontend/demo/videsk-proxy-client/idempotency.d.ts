/** When a repeated POST keeps its Idempotency-Key, and when it gets a new one. */
/** What a customer has decided to do, and the key that it is done under. Plain JSON, so it can be stored. */
export interface Decision<Request = unknown> {
    readonly request: Request;
    /** For the call's `idempotencyKey`. */
    readonly idempotencyKey: string;
}
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
export declare function makeDecision<Request>(request: Request, previous?: Decision<Request>): Decision<Request>;
/** Whether a POST that ended in this error may have been done all the same. So it is after an abort. */
export declare function isOutcomeUnknown(error: unknown): boolean;
/**
 * For a decision of the customer's: the proxy does what has the same key only once.
 * It is bound to its request there, so it has to be unique but need not be secret.
 */
export declare function newIdempotencyKey(): string;
