import { entryOf, replaceEntry } from "./flow.js";

export interface Ticket {
  action: string;
  token: string;
}

let isNewVisit = (performance.getEntriesByType("navigation")[0] as PerformanceNavigationTiming | undefined)?.type === "navigate";

/**
 * Return what an e-mailed link requests. The token leaves the address immediately, for this tab's own history
 * entry: a reload and the Back button find it there, and no other page can.
 */
export function takeTicket(id: string): Ticket | undefined {
  const query = new URLSearchParams(location.search);
  const action = query.get("v-schedule-action");
  const token = query.get("v-schedule-auth");
  if (action && token) {
    query.delete("v-schedule-action");
    query.delete("v-schedule-auth");
    const rest = query.toString();
    history.replaceState({ ...history.state, [id]: { ticket: { action, token } } }, "", location.pathname + (rest && `?${rest}`) + location.hash);
  } else if (isNewVisit && history.state?.[id]) {
    // Browsers keep the entry's state also when a link leads to the same address.
    replaceEntry(id, {});
  }
  isNewVisit = false;
  return entryOf(id).ticket;
}
