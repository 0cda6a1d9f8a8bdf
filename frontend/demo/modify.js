// What the e-mailed link "modify" opens: move or cancel one appointment, by its action token. Videsk
// returns nothing about it for that token: either this browser has stored it, or the customer chooses.

import { drawBooked, keep, bookingOf, rowsOf } from "./booked.js";
import { button, el } from "./dom.js";
import { facts, makeFlow, showSummary } from "./flow.js";
import { t } from "./language.js";
import { remove } from "./storage.js";
import { agentsOf, drawAgents, drawServices, target } from "./choice_lists.js";
import { drawErrorNotice, fill, OFFLINE } from "./error_notice.js";
import { isOutcomeUnknown, makeDecision } from "./videsk-proxy-client/index.js";
import { drawHourPicker } from "./hour_picker.js";

const LONGEST_REASON = 1000;

/**
 * @param {import("./videsk-proxy-client/index.js").VideskProxy} videsk
 * @param {string} token
 */
export function startModifying(videsk, token) {
  const known = bookingOf(token);
  const choice = {
    /** @type {any} a Service, of which a stored one has only id and title */ service: known?.service,
    agent: known?.agent,
    /** @type {string | undefined} */ startAt: undefined,
    /** @type {import("./hour_picker.js").TakenHour | undefined} */ taken: undefined,
    reason: "",
    /** @type {any} */ problem: undefined,
    /** @type {string | undefined} an hour whose move has an unknown outcome */ doubted: undefined,
    isSending: false,
    /** @type {(() => import("./flow.js").Step) | undefined} what is shown for good, once it is done */ done: undefined,
  };
  /** @type {import("./videsk-proxy-client/index.js").Decision | undefined} the last one, unless it was refused */
  let decision;

  const flow = makeFlow({
    first: "overview",
    allowed(step) {
      if (choice.done) return "booked";
      if (step === "agent" && !choice.service?.users) return "overview";
      if (["time", "confirm"].includes(step) && !choice.service) return "overview";
      return step === "confirm" && !choice.startAt ? "time" : step;
    },
    around: (step) => showSummary(known && ["time", "service", "agent"].includes(step) ? rowsOf(known) : []),
    steps: {
      overview: () => ({
        title: t.modify.title,
        body: [
          known
            ? el("div", { class: "card" }, facts(rowsOf(known)))
            : el("p", { class: "lead" }, t.modify.unknown),
          el(
            "p",
            { class: "actions" },
            button(t.modify.reschedule, () => startMove(), { class: "primary" }),
            button(t.modify.cancel, () => flow.go("cancel"), { class: "second" }),
          ),
        ],
      }),

      service: (signal) => {
        const place = el("div");
        fill(
          place,
          signal,
          () => videsk.services({ signal }),
          (services) => place.replaceChildren(drawServices(services, pickService)),
        );
        return { title: t.modify.whichService, lead: t.modify.whichServiceLead, body: [place] };
      },

      agent: () => ({ title: t.modify.whichAgent, body: [drawAgents(agentsOf(choice.service), pickAgent)] }),

      time: (signal) => ({
        title: t.modify.newTime,
        lead: t.modify.newTimeLead,
        body: drawHourPicker({
          videsk,
          target: target(choice),
          choose: pickHour,
          signal,
          startAt: choice.startAt ?? known?.startAt,
          taken: choice.taken,
        }),
      }),

      confirm: () => {
        const { service, agent, startAt = "" } = choice;
        return {
          title: t.modify.confirm,
          lead: t.modify.confirmLead,
          body: [
            el("div", { class: "card" }, facts(rowsOf({ service, agent, startAt }))),
            notice(move),
            !choice.problem &&
              el("p", { class: "actions" }, submit(t.modify.move, t.modify.moving, move, "primary")),
          ],
          onShow: focusNotice,
        };
      },

      cancel: () => drawCancel(),
      booked: () => /** @type {() => import("./flow.js").Step} */ (choice.done)(),
    },
  });
  return flow;

  function startMove() {
    flow.go(choice.service ? "time" : "service");
  }

  /** @param {import("./choice_lists.js").Service} service */
  function pickService(service) {
    const agents = agentsOf(service);
    Object.assign(choice, { service, agent: agents.length === 1 ? agents[0] : undefined });
    flow.go(agents.length > 1 ? "agent" : "time");
  }

  /** @param {import("./choice_lists.js").Agent} agent */
  function pickAgent(agent) {
    choice.agent = agent;
    flow.go("time");
  }

  /** @param {string} hour */
  function pickHour(hour) {
    Object.assign(choice, { startAt: hour, taken: undefined, problem: undefined });
    flow.go("confirm");
  }

  function drawCancel() {
    const left = el("p", { class: "hint", id: "left" }, t.modify.left(LONGEST_REASON - choice.reason.length));
    const reason = /** @type {HTMLTextAreaElement} */ (
      el("textarea", {
        id: "reason",
        rows: "3",
        maxlength: String(LONGEST_REASON),
        "aria-describedby": "left",
        oninput: () => {
          choice.reason = reason.value;
          left.textContent = t.modify.left(LONGEST_REASON - reason.value.length);
        },
      })
    );
    reason.value = choice.reason;
    const dialog = /** @type {HTMLDialogElement} */ (
      el(
        "dialog",
        { "aria-labelledby": "really" },
        el("h2", { id: "really" }, t.modify.reallyCancel),
        el("p", {}, t.modify.cannotUndo),
        el(
          "p",
          { class: "actions" },
          button(t.modify.cancel, cancel, { class: "danger" }),
          button(t.modify.keep, () => dialog.close(), { class: "second", autofocus: true }),
        ),
      )
    );
    return {
      title: t.modify.reallyCancel,
      body: [
        known && el("div", { class: "card" }, facts(rowsOf(known))),
        el(
          "div",
          { class: "field" },
          el(
            "label",
            { for: "reason" },
            t.modify.reason,
            " ",
            el("span", { class: "optional" }, t.details.optional),
          ),
          reason,
          left,
        ),
        notice(cancel),
        !choice.problem &&
          el(
            "p",
            { class: "actions" },
            submit(t.modify.cancel, t.modify.cancelling, () => dialog.showModal(), "danger"),
          ),
        dialog,
      ],
      onShow: focusNotice,
    };
  }

  /** @param {() => void} again */
  function notice(again) {
    const { problem } = choice;
    // A dead token stays dead.
    return (
      problem &&
      drawErrorNotice(problem, {
        byToken: true,
        again: problem.status === 401 ? undefined : again,
        anew: () => {
          decision = undefined;
          again();
        },
      })
    );
  }

  function focusNotice() {
    /** @type {HTMLElement | null} */ (document.querySelector("#step .notice"))?.focus();
  }

  /** @param {string} text @param {string} sending @param {() => void} onclick @param {string} look */
  function submit(text, sending, onclick, look) {
    return button(choice.isSending ? sending : text, onclick, { class: look, disabled: choice.isSending });
  }

  function move() {
    const { service, agent, startAt = "" } = choice;
    return send("confirm", { date: startAt }, async (call) => {
      const booking = await videsk.reschedule(token, { date: startAt }, call);
      const now = keep(booking, { service, agent }, token);
      return () => drawBooked(t.booked.moved, booking, now);
    });
  }

  function cancel() {
    const cancellation = choice.reason.trim() ? { cancelReason: choice.reason } : {};
    return send("cancel", cancellation, async (call) => {
      const { service } = await videsk.cancel(token, cancellation, call);
      remove(token);
      return () => ({
        title: t.modify.cancelled,
        lead: t.modify.cancelledLead(service),
        body: [el("p", { class: "actions" }, el("a", { href: location.pathname }, t.booked.another))],
      });
    });
  }

  /**
   * @param {string} step
   * @param {object} request
   * @param {(call: {idempotencyKey: string}) => Promise<() => import("./flow.js").Step>} carryOut
   */
  async function send(step, request, carryOut) {
    if (choice.isSending) return;
    if (!navigator.onLine) return refuse(OFFLINE, step);
    decision = makeDecision({ step, ...request }, decision);
    const { idempotencyKey } = decision;
    Object.assign(choice, { isSending: true, problem: undefined });
    flow.redraw();
    try {
      choice.done = await carryOut({ idempotencyKey });
      choice.isSending = false;
      flow.end("booked");
    } catch (error) {
      choice.isSending = false;
      await refuse(/** @type {any} */ (error), step);
    }
  }

  /** @param {any} error @param {string} step */
  async function refuse(error, step) {
    if (!isOutcomeUnknown(error)) decision = undefined;
    if (step === "confirm" && (error.status === 409 || error.data === "dateInPast")) {
      const free = await videsk.alternatives(error).catch(() => undefined);
      Object.assign(choice, {
        startAt: undefined,
        taken: { startAt: choice.startAt, free, mayBeOurs: choice.startAt === choice.doubted },
      });
      flow.go("time");
      return;
    }
    choice.problem = error;
    if (error.outcomeUnknown && step === "confirm") choice.doubted = choice.startAt;
    if (flow.isAt(step)) flow.redraw();
    else flow.go(step);
  }
}
