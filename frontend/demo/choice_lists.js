// The lists to pick one from: services, and the people of a service.

import { button, el } from "./dom.js";
import { t } from "./language.js";

/** @typedef {import("./videsk-proxy-client/index.js").Service} Service */
/** @typedef {Service["users"][number]} Agent */

/** Only where the service does not assign the agent. @param {Service} service @returns {Agent[]} */
export const agentsOf = (service) => (service.automatic ? [] : service.users);

/** @param {Agent} agent */
export const nameOf = ({ firstname, lastname }) => `${firstname} ${lastname}`.trim();

/**
 * Whose days and hours are requested, as the client's calls take it: one agent, else the service.
 *
 * @param {{service?: {id: string}, agent?: {id: string}}} choice
 * @returns {["services" | "users", string]}
 */
export function target({ service, agent }) {
  return agent ? ["users", agent.id] : ["services", service?.id ?? ""];
}

/** @param {Service[]} services @param {(service: Service) => void} pick */
export function drawServices(services, pick) {
  if (services.length === 0) return el("p", { class: "notice" }, t.services.empty);
  return drawList(services, pick, ({ title, description }) => [title, description]);
}

/** @param {Agent[]} agents @param {(agent: Agent) => void} pick */
export function drawAgents(agents, pick) {
  return drawList(agents, pick, (agent) => [nameOf(agent)]);
}

/**
 * @template T
 * @param {T[]} items
 * @param {(item: T) => void} pick
 * @param {(item: T) => (string | undefined)[]} write its name and perhaps a line about it
 */
function drawList(items, pick, write) {
  return el(
    "ul",
    { class: "picks" },
    items.map((item) => {
      const [name = "", about] = write(item);
      const one = button("", () => pick(item));
      one.append(el("strong", {}, name), ...(about ? [" ", el("span", {}, about)] : []));
      return el("li", {}, one);
    }),
  );
}
