/** The published types (types/index.d.ts) are those of the sources: what differs does not compile. */

import type { Booking } from "../../client/src/index.js";
import type { Attribute } from "../src/attributes.js";
import type { Events } from "../src/context.js";
import type { VideskBooking as Source } from "../src/element.js";
import type { SomeTexts } from "../src/language.js";
import type * as published from "../types/index.js";

type Same<A, B> = [A, B] extends [B, A] ? true : never;

/** The members that are not HTMLElement's. */
type Own<Element extends HTMLElement> = keyof Omit<Element, keyof HTMLElement>;
type Camel<Name extends string> = Name extends `${infer Head}-${infer Tail}` ? `${Head}${Capitalize<Camel<Tail>>}` : Name;

export const same: [
  Same<Attribute, keyof published.VideskBookingAttributes>,
  Same<Events, published.VideskBookingEvents>,
  Same<Booking, published.Booking>,
  Same<
    Own<published.VideskBooking>,
    Exclude<Own<Source>, `${string}Callback`> | Camel<Attribute>
  >,
] = [true, true, true, true];

export function taken(element: published.VideskBooking, texts: SomeTexts): void {
  element.texts = texts as published.VideskBookingTexts;
  element.prefill = { name: "Ana" };
  element.firstDay = 1;
  element.addEventListener("videsk-booked", ({ detail, currentTarget }) => [detail.booking.startAt.length, currentTarget]);
  element.addEventListener("click", ({ clientX }) => clientX);
  document.querySelector("videsk-booking")?.reload();
  // @ts-expect-error no such detail
  element.addEventListener("videsk-error", ({ detail }) => detail.booking);
  // @ts-expect-error no such theme
  element.theme = "blue";
  // @ts-expect-error the value is read only
  element.value = "2026-12-01T12:00:00.000Z";
}
