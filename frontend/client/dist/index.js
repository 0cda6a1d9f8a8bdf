/** Calls videsk-proxy from a browser, Node.js or React Native. */
export { calendarFile, calendarUid } from "./calendar_file.js";
export { VideskProxyError } from "./errors.js";
export { isOutcomeUnknown, makeDecision, newIdempotencyKey } from "./idempotency.js";
export { VideskProxy } from "./videsk_proxy.js";
//# sourceMappingURL=index.js.map