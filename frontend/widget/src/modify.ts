/**
 * What the e-mailed link "modify" opens: move or cancel one appointment, by its action token. Videsk
 * returns nothing about it for that token: either this browser has stored it, or the customer chooses.
 */

import { isOutcomeUnknown, makeDecision } from "../../client/src/idempotency.js";
import type { Decision, Service } from "../../client/src/index.js";
import { bookingOf, drawAnother, drawBooked, keep, rowsOf } from "./booked.js";
import type { Known } from "./booked.js";
import { agentsOf, drawAgents, drawServices, target } from "./choice_lists.js";
import type { Agent } from "./choice_lists.js";
import type { Context } from "./context.js";
import { button, el, fill } from "./dom.js";
import type { Child } from "./dom.js";
import { drawErrorNotice, OFFLINE } from "./error_notice.js";
import { remove } from "./expiry.js";
import { facts, makeFlow, showProgress, showSummary } from "./flow.js";
import type { Flow, Step } from "./flow.js";
import { write } from "./language.js";
import { load } from "./load.js";
import { drawTimeStep } from "./time_step.js";
import type { TakenHour } from "./time_step.js";

const LONGEST_REASON = 1000;

export function startModifying(ctx: Context, token: string): Flow {
  const known = bookingOf(token);
  const choice = {
    /** A stored one has only id and title. */
    service: known?.service as Service | Known["service"],
    agent: known?.agent,
    startAt: undefined as string | undefined,
    taken: undefined as TakenHour | undefined,
    reason: "",
    problem: undefined as any,
    /** An hour whose move has an unknown outcome. */
    doubted: undefined as string | undefined,
    isSending: false,
    /** What is shown for good, once it is done. */
    done: undefined as (() => Step) | undefined,
  };
  /** The last one, unless it was refused. */
  let decision: Decision | undefined;
  const videsk = ctx.videsk!;

  const flow = makeFlow(ctx, {
    first: "overview",
    allowed(step) {
      if (choice.done) return "booked";
      if (step === "agent" && !(choice.service && "users" in choice.service)) return "overview";
      if (["time", "confirm"].includes(step) && !choice.service) return "overview";
      return step === "confirm" && !choice.startAt ? "time" : step;
    },
    around(step, go) {
      showProgress(ctx, [], step, go);
      showSummary(ctx, known && ["time", "service", "agent"].includes(step) ? rowsOf(ctx, known) : []);
    },
    steps: {
      overview: () => ({
        title: ctx.t.modify.title,
        body: [
          known ? card(rowsOf(ctx, known)) : el("p", { class: "lead" }, ctx.t.modify.unknown),
          el(
            "p",
            { class: "actions" },
            button(ctx.t.modify.reschedule, () => flow.go(choice.service ? "time" : "service"), { class: "primary", part: "button" }),
            button(ctx.t.modify.cancel, () => flow.go("cancel"), { class: "second", part: "button" }),
          ),
        ],
        onShow: ctx.ready,
      }),

      service: (signal) => {
        const place = el("div");
        const show = (services: Service[]) => fill(place, drawServices(ctx, services, pickService));
        load(ctx, place, signal, () => ctx.services(signal), show);
        return { title: ctx.t.modify.whichService, lead: ctx.t.modify.whichServiceLead, body: [place] };
      },

      agent: () => ({ title: ctx.t.modify.whichAgent, body: [drawAgents(agentsOf(choice.service as Service), pickAgent)] }),

      time: (signal) => ({
        title: ctx.t.modify.newTime,
        lead: ctx.t.modify.newTimeLead,
        body: drawTimeStep(ctx, {
          target: target(choice),
          choose: pickHour,
          signal,
          startAt: choice.startAt ?? known?.startAt,
          taken: choice.taken,
        }),
      }),

      confirm: () => {
        const { service, agent, startAt = "" } = choice;
        const { t } = ctx;
        return {
          title: t.modify.confirm,
          lead: t.modify.confirmLead,
          body: [
            card(rowsOf(ctx, { service, agent, startAt })),
            notice(move),
            !choice.problem && el("p", { class: "actions" }, submit(t.modify.move, t.modify.moving, move, "primary")),
          ],
          onShow: focusNotice,
        };
      },

      cancel: drawCancel,
      booked: () => choice.done!(),
    },
  });
  return flow;

  function pickService(service: Service): void {
    const agents = agentsOf(service);
    Object.assign(choice, { service, agent: agents.length === 1 ? agents[0] : undefined });
    flow.go(agents.length > 1 ? "agent" : "time");
  }

  function pickAgent(agent: Agent): void {
    choice.agent = agent;
    flow.go("time");
  }

  function pickHour(startAt: string): void {
    Object.assign(choice, { startAt, taken: undefined, problem: undefined });
    const { service, agent } = choice;
    ctx.emit("videsk-slot-selected", { startAt, timezone: ctx.clock.zone, service: service!.id, user: agent?.id });
    flow.go("confirm");
  }

  function drawCancel(): Step {
    const { t } = ctx;
    const count = () => ctx.count(t.modify.left, LONGEST_REASON - choice.reason.length);
    const left = el("p", { class: "hint", id: "left" }, count());
    const reason = el("textarea", {
      id: "reason",
      rows: "3",
      maxlength: String(LONGEST_REASON),
      "aria-describedby": "left",
      part: "input",
      oninput: () => {
        choice.reason = reason.value;
        left.textContent = count();
      },
    });
    reason.value = choice.reason;
    const dialog = el(
      "dialog",
      { "aria-labelledby": "really" },
      el("h3", { id: "really" }, t.modify.reallyCancel),
      el("p", {}, t.modify.cannotUndo),
      el(
        "p",
        { class: "actions" },
        button(t.modify.cancel, cancel, { class: "danger", part: "button" }),
        button(t.modify.keep, () => dialog.close(), { class: "second", autofocus: true, part: "button" }),
      ),
    );
    return {
      title: t.modify.reallyCancel,
      body: [
        known && card(rowsOf(ctx, known)),
        el(
          "div",
          { class: "field" },
          el("label", { for: "reason" }, t.modify.reason, " ", el("span", { class: "optional" }, t.details.optional)),
          reason,
          left,
        ),
        notice(cancel),
        !choice.problem &&
          el("p", { class: "actions" }, submit(t.modify.cancel, t.modify.cancelling, () => dialog.showModal(), "danger")),
        dialog,
      ],
      onShow: focusNotice,
    };
  }

  function card(rows: ReturnType<typeof rowsOf>): HTMLElement {
    return el("div", { class: "card", part: "card" }, facts(rows));
  }

  function notice(again: () => void): Child {
    const { problem } = choice;
    const anew = () => {
      decision = undefined;
      again();
    };
    // A dead token stays dead.
    return problem && drawErrorNotice(ctx, problem, { byToken: true, again: problem.status === 401 ? undefined : again, anew });
  }

  function focusNotice(): void {
    ctx.byId("step").querySelector<HTMLElement>(".notice")?.focus();
  }

  function submit(text: string, sending: string, onclick: () => void, look: string): HTMLElement {
    return button(choice.isSending ? sending : text, onclick, { class: look, disabled: choice.isSending, part: "button submit" });
  }

  function move(): Promise<void> {
    const { service, agent, startAt = "" } = choice;
    return send("confirm", { date: startAt }, async (call) => {
      const booking = await videsk.reschedule(token, { date: startAt }, call);
      const now = keep(booking, { service, agent }, token);
      choice.done = () => drawBooked(ctx, ctx.t.booked.moved, booking, now);
      return () => ctx.emit("videsk-rescheduled", { booking });
    });
  }

  function cancel(): Promise<void> {
    const cancellation = choice.reason.trim() ? { cancelReason: choice.reason } : {};
    return send("cancel", cancellation, async (call) => {
      const { service } = await videsk.cancel(token, cancellation, call);
      remove(token);
      choice.done = () => ({
        title: ctx.t.modify.cancelled,
        lead: write(ctx.t.modify.cancelledLead, { service }),
        body: [el("p", { class: "actions" }, drawAnother(ctx))],
      });
      return () => ctx.emit("videsk-cancelled", { service });
    });
  }

  /** `carryOut` sets `choice.done`, and returns what reports it to the page. */
  async function send(
    step: string,
    request: object,
    carryOut: (call: { idempotencyKey: string }) => Promise<() => void>,
  ): Promise<void> {
    if (choice.isSending) return;
    if (!navigator.onLine) return refuse(OFFLINE, step, {});
    decision = makeDecision({ step, ...request }, decision);
    const { idempotencyKey } = decision;
    const { service, agent, startAt } = choice;
    const sent = step === "confirm" ? { service, agent, startAt } : {};
    Object.assign(choice, { isSending: true, problem: undefined });
    flow.redraw();
    try {
      const emit = await carryOut({ idempotencyKey });
      choice.isSending = false;
      flow.end("booked");
      emit();
    } catch (error) {
      await refuse(error, step, sent);
    }
  }

  /** `sent`: what the error is about. Meanwhile the customer may have gone back and chosen another hour. */
  async function refuse(error: any, step: string, sent: Partial<typeof choice>): Promise<void> {
    ctx.report(error);
    if (!isOutcomeUnknown(error)) decision = undefined;
    const isTaken = step === "confirm" && (error.status === 409 || error.data === "dateInPast");
    const free = isTaken ? await videsk.alternatives(error).catch(() => undefined) : undefined;
    if (ctx.signal.aborted) return;
    Object.assign(choice, sent, { isSending: false });
    if (isTaken) {
      const taken = { startAt: choice.startAt!, free, mayBeBooked: !!choice.doubted };
      Object.assign(choice, { startAt: undefined, taken });
      flow.go("time");
      return;
    }
    choice.problem = error;
    if (error.outcomeUnknown && step === "confirm") choice.doubted = choice.startAt;
    if (flow.isAt(step)) flow.redraw();
    else flow.go(step);
  }
}
