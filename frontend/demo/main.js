// Joins the page: which of its three parts to begin with, and what surrounds them all.

import { startBooking } from "./booking.js";
import { proxy } from "./config.js";
import { byId } from "./dom.js";
import { startJoining } from "./join.js";
import { switchLanguage, t, language } from "./language.js";
import { removeExpired } from "./storage.js";
import { startModifying } from "./modify.js";
import { VideskProxy } from "./videsk-proxy-client/index.js";
import { writeZone } from "./zone.js";

// A longer wait than this is shown to the customer, who may have something better to do.
const videsk = new VideskProxy(proxy, { longestWaitSeconds: 2 });

/**
 * What an e-mailed link requests. The token leaves the address immediately, for this tab's own history
 * entry: a reload and the Back button find it there, and no other page can.
 */
function takeTicket() {
  const query = new URLSearchParams(location.search);
  const action = query.get("v-schedule-action");
  const token = query.get("v-schedule-auth");
  if (action && token) {
    query.delete("v-schedule-action");
    query.delete("v-schedule-auth");
    const rest = query.toString();
    history.replaceState({ ticket: { action, token } }, "", location.pathname + (rest && `?${rest}`));
  } else if (isNewVisit()) {
    history.replaceState(null, "");
  }
  return history.state?.ticket ?? {};
}

/** Neither a reload nor Back: browsers keep the entry's state also when a link leads to the same address. */
function isNewVisit() {
  const [visit] = performance.getEntriesByType("navigation");
  return /** @type {PerformanceNavigationTiming} */ (visit)?.type === "navigate";
}

function drawFrame() {
  byId("brand").textContent = t.brand;
  byId("zone").textContent = t.timesIn(writeZone());
  byId("language").textContent = t.otherLanguage;
  byId("language").lang = language === "en" ? "es" : "en";
}

removeExpired();
drawFrame();
const { action, token } = takeTicket();
const flow =
  action === "modify"
    ? startModifying(videsk, token)
    : action === "join"
      ? startJoining(videsk, token)
      : startBooking(videsk);

byId("language").addEventListener("click", () => {
  switchLanguage();
  drawFrame();
  flow.redraw();
});
