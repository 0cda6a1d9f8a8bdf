/** `<videsk-booking>` in React 19's JSX. Events: `onvidesk-booked={(event) => …}`. */

import type { DetailedHTMLProps, HTMLAttributes } from "react";
import type { VideskBooking, VideskBookingAttributes, VideskBookingEvents, VideskBookingTexts } from "./index.js";

export type * from "./index.js";

type Listeners = {
  [Name in keyof VideskBookingEvents as `on${Name}`]?: ((event: CustomEvent<VideskBookingEvents[Name]>) => void) | undefined;
};

export type VideskBookingProps = DetailedHTMLProps<HTMLAttributes<VideskBooking>, VideskBooking> &
  VideskBookingAttributes &
  Listeners & { texts?: VideskBookingTexts | undefined };

declare module "react" {
  namespace JSX {
    interface IntrinsicElements {
      "videsk-booking": VideskBookingProps;
    }
  }
}
