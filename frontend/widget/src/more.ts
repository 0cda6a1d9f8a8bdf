/** What is loaded once the calendar is on screen, or for an e-mailed link. */

import "./element.js"; // what it shares with the element stays in one file
import { VideskProxy } from "../../client/src/videsk_proxy.js";
import type { Context } from "./context.js";
import { styleSheet } from "./dom.js";
import css from "./more.css";
import type { Failed } from "./reading.js";

export { dayByKey } from "./calendar_keys.js";
export { makeDetails } from "./details.js";
export { drawErrorNotice } from "./error_notice.js";
export { removeExpired } from "./expiry.js";
export { drawTaken, fillPlaces } from "./hours.js";
export { startJoining } from "./join.js";
export { startModifying } from "./modify.js";
export { resumeBooking } from "./resume.js";
export { drawZones } from "./zones.js";

export const sheet = styleSheet(css);

/** A longer wait than this is shown to the customer, who may have something better to do. */
const LONGEST_WAIT_SECONDS = 2;

/** Make the client, which takes over the attempts that have failed before. */
export function makeClient(ctx: Context, failed: Failed): VideskProxy {
  return new VideskProxy(ctx.proxy, {
    longestWaitSeconds: LONGEST_WAIT_SECONDS,
    fetch: (url, init) => {
      const first = failed.get(String(url));
      failed.delete(String(url));
      return first ?? fetch(url, init);
    },
  });
}
