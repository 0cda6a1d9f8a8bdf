/** What calls send and get, looked up by path in the OpenAPI document: what it changes does not compile. */

import type { components, paths } from "./openapi.js";

/** The paths that have this method. */
export type PathOf<Method extends "get" | "post"> = keyof {
  [Path in keyof paths as paths[Path] extends Record<Method, object> ? Path : never]: true;
};

/** What the path's GET takes after the `?`. */
export type Query<Path extends PathOf<"get">> = NonNullable<paths[Path]["get"]["parameters"]["query"]>;

/** The JSON that the path's POST takes. */
export type Body<Path extends PathOf<"post">> = Json<NonNullable<paths[Path]["post"]["requestBody"]>>;

/** The JSON that it answers, where it succeeds. */
export type Got<Path extends PathOf<"get">> = Success<paths[Path]["get"]>;
export type Posted<Path extends PathOf<"post">> = Success<paths[Path]["post"]>;

/** Of the document, src/openapi.ts holds the successes alone. */
type Success<Operation> = Operation extends { responses: infer Answers } ? Json<Answers[keyof Answers]> : never;
type Json<Message> = Message extends { content: { "application/json": infer Value } } ? Value : never;

/** What has days and hours to book: a service, or a user (an agent). */
export type Kind = "services" | "users";

export type DatesQuery = Query<`/api/${Kind}/{id}/dates`>;
export type HoursQuery = Query<`/api/${Kind}/{id}/hours`>;
export type AvailabilityQuery = Query<`/api/${Kind}/{id}/availability`>;
export type NextQuery = Query<`/api/${Kind}/{id}/next`>;
export type FormQuery = Query<"/api/forms/{segment}">;

export type BookingByService = Body<"/api/services/{id}/appointments">;
export type BookingByUser = Body<"/api/users/{id}/appointments">;
export type Cancellation = Body<"/api/appointment/cancel">;
export type Move = Body<"/api/appointment/reschedule">;

type Schemas = components["schemas"];
export type Service = Schemas["Service"];
export type User = Schemas["User"];
export type Availability = Schemas["Availability"];
export type Form = Schemas["Form"];
export type FormField = Schemas["FormField"];
export type FormElement = Schemas["FormElement"];
export type Booking = Schemas["Booking"];
export type Appointment = Schemas["Appointment"];
export type Canceled = Schemas["Canceled"];
