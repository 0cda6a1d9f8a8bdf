/** Calls videsk-proxy from a browser, Node.js or React Native. */

export { calendarFile, calendarUid } from "./calendar_file.js";
export type { CalendarOptions } from "./calendar_file.js";
export { VideskProxyError } from "./errors.js";
export type { ErrorSource } from "./errors.js";
export { isOutcomeUnknown, makeDecision, newIdempotencyKey } from "./idempotency.js";
export type { Decision } from "./idempotency.js";
export type {
  Appointment,
  Availability,
  AvailabilityQuery,
  Booking,
  BookingByService,
  BookingByUser,
  Canceled,
  Cancellation,
  DatesQuery,
  Form,
  FormElement,
  FormField,
  FormQuery,
  HoursQuery,
  Kind,
  Move,
  NextQuery,
  Service,
  User,
} from "./types.js";
export { VideskProxy } from "./videsk_proxy.js";
export type { ApiPromise, Call, Metadata, Options } from "./videsk_proxy.js";
