/** `<videsk-booking>` in Vue's templates. Events: `@videsk-booked="(event) => …"`. */

import type { EmitFn, HTMLAttributes } from "vue";
import type { VideskBooking, VideskBookingAttributes, VideskBookingEvents, VideskBookingTexts } from "./index.js";

export type * from "./index.js";

type Emits = { [Name in keyof VideskBookingEvents]: (event: CustomEvent<VideskBookingEvents[Name]>) => void };

declare module "vue" {
  interface GlobalComponents {
    "videsk-booking": new () => VideskBooking & {
      $props: HTMLAttributes & VideskBookingAttributes & { texts?: VideskBookingTexts | undefined };
      $emit: EmitFn<Emits>;
    };
  }
}
