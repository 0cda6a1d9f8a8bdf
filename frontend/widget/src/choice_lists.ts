/** The lists to choose from: services, and the people of a service. */

import type { Kind, Service } from "../../client/src/index.js";
import type { Context } from "./context.js";
import { button, el } from "./dom.js";

export type Agent = Service["users"][number];

/** Empty where Videsk assigns the agent. */
export const agentsOf = (service: Service): Agent[] => (service.automatic ? [] : service.users);

export const nameOf = ({ firstname, lastname }: Pick<Agent, "firstname" | "lastname">) => `${firstname} ${lastname}`.trim();

/** Whose days and hours are requested, as the client's calls take it: one agent, else the service. */
export function target({ service, agent }: { service?: { id: string } | undefined; agent?: { id: string } | undefined }): [Kind, string] {
  return agent ? ["users", agent.id] : ["services", service?.id ?? ""];
}

export function drawServices(ctx: Context, services: Service[], pick: (service: Service) => void): HTMLElement {
  if (services.length === 0) return el("slot", { name: "empty" }, el("p", { class: "notice" }, ctx.t.services.empty));
  return drawList(services, pick, ({ title, description }) => [title, description]);
}

export function drawAgents(agents: Agent[], pick: (agent: Agent) => void): HTMLElement {
  return drawList(agents, pick, (agent) => [nameOf(agent), ""]);
}

/** `write`: the name of an item, and perhaps a line about it. */
function drawList<T>(items: T[], pick: (item: T) => void, write: (item: T) => [string, string]): HTMLElement {
  const draw = (item: T) => {
    const [name, about] = write(item);
    const one = button("", () => pick(item), { part: "choice" });
    one.append(el("strong", {}, name), ...(about ? [" ", el("span", {}, about)] : []));
    return el("li", {}, one);
  };
  return el("ul", { class: "picks" }, items.map(draw));
}
