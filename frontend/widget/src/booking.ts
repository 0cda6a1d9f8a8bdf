/**
 * The booking: service, agent where the service requires one, hour, details, confirmation. All that has
 * been chosen is in `choice`; every step is drawn from it. What follows the hour is loaded for it: details.ts.
 */

import type { Service } from "../../client/src/index.js";
import { agentsOf, drawAgents, drawServices, nameOf, target } from "./choice_lists.js";
import type { Agent } from "./choice_lists.js";
import type { Context } from "./context.js";
import { el, fill } from "./dom.js";
import { makeFlow, showProgress, showSummary } from "./flow.js";
import type { Flow, Rows, Step } from "./flow.js";
import { load } from "./load.js";
import { drawTimeStep } from "./time_step.js";
import type { TakenHour } from "./time_step.js";
import type { Field, Value } from "./form.js";

export interface Choice {
  service?: Service | undefined;
  agent?: Agent | undefined;
  startAt?: string | undefined;
  taken?: TakenHour | undefined;
  problem?: unknown;
  /** The form's, once read. */
  fields?: Field[];
  values: Map<string, Value>;
  /** An hour whose booking has an unknown outcome. */
  doubted?: string | undefined;
  isSending: boolean;
  /** What is shown for good, once it is booked. */
  done?: () => Step;
}

export function startBooking(ctx: Context): Flow {
  const choice: Choice = { values: new Map(), isSending: false };
  /** Of details.ts; a part of its state is the decision whose outcome is unknown. */
  let details: { draw(place: HTMLElement, signal: AbortSignal): void } | undefined;
  const fixed = ctx.options.service;

  const flow = makeFlow(ctx, {
    first: "service",
    allowed(step) {
      if (choice.done) return "booked";
      if (!choice.service) return "service";
      if (fixed && step === "service") step = "agent";
      if (step !== "service" && agentsOf(choice.service).length > 0 && !choice.agent) return "agent";
      if (step === "agent" && !wantsAgent()) return "time";
      return step === "details" && !choice.startAt ? "time" : step === "booked" ? "service" : step;
    },
    around(step, go) {
      const names = [...(fixed ? [] : ["service"]), ...(wantsAgent() ? ["agent"] : []), "time", "details"];
      showProgress(ctx, ctx.picksOnly ? [] : names, fixed && step === "service" ? "time" : step, go);
      // A line that is empty until the page's service is there, so that nothing moves then.
      const loading: Rows = [[ctx.t.summary.service, "\u00a0"]];
      showSummary(ctx, step === "booked" ? [] : fixed && step === "service" ? loading : summary());
    },
    steps: {
      service: (signal) => {
        const place = el("div");
        const show = (services: Service[]) => {
          const one = services.find(({ id }) => id === fixed);
          if (fixed && !one) console.warn(`videsk-booking: there is no service ${fixed}`);
          if (one) pickService(one);
          else fill(place, drawServices(ctx, fixed ? [] : services, pickService));
        };
        const read = () => ctx.services(signal).finally(() => signal.aborted || showSummary(ctx, summary()));
        load(ctx, place, signal, read, show);
        return fixed ? { title: ctx.t.time.title, body: [place] } : { ...ctx.t.services, body: [place] };
      },

      agent: () => ({ ...ctx.t.agents, body: [drawAgents(agentsOf(choice.service!), pickAgent)] }),

      time: (signal) => {
        const { startAt, taken } = choice;
        return {
          ...ctx.t.time,
          body: [drawTimeStep(ctx, { target: target(choice), choose: pickHour, signal, startAt, taken })],
        };
      },

      details: (signal) => {
        const place = el("div");
        const show = () => (details ??= ctx.more!.makeDetails(ctx, choice, flow)).draw(place, signal);
        if (ctx.more) show();
        else load(ctx, place, signal, ctx.loadMore, show);
        return { ...ctx.t.details, body: [place] };
      },

      booked: () => choice.done!(),
    },
  });
  return flow;

  function wantsAgent(): boolean {
    return choice.service !== undefined && agentsOf(choice.service).length > 1 && !ctx.options.user;
  }

  function summary(): Rows {
    const { t, clock } = ctx;
    const { service, agent, startAt } = choice;
    return [
      [t.summary.service, service?.title],
      [t.summary.agent, agent && nameOf(agent)],
      [t.summary.day, startAt && clock.writeDay(clock.dayOf(startAt))],
      [t.summary.time, startAt && clock.writeTime(startAt)],
      [t.summary.zone, startAt && clock.writeZone()],
    ];
  }

  function pickService(service: Service): void {
    const agents = agentsOf(service);
    const agent = agents.find(({ id }) => id === ctx.options.user) ?? (agents.length === 1 ? agents[0] : undefined);
    Object.assign(choice, { service, agent, startAt: undefined, taken: undefined, problem: undefined });
    const next = agents.length > 0 && !agent ? "agent" : "time";
    if (fixed) flow.replace(next);
    else flow.go(next);
  }

  function pickAgent(agent: Agent): void {
    Object.assign(choice, { agent, startAt: undefined, taken: undefined, problem: undefined });
    flow.go("time");
  }

  function pickHour(startAt: string): void {
    Object.assign(choice, { startAt, taken: undefined, problem: undefined });
    const { service, agent } = choice;
    ctx.emit("videsk-slot-selected", { startAt, timezone: ctx.clock.zone, service: service!.id, user: agent?.id });
    if (!ctx.picksOnly) return flow.go("details");
    ctx.setHour(startAt);
    flow.redraw();
  }
}
