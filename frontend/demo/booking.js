// The booking: service, agent where the service requires one, hour, details, confirmation. All that has
// been chosen is in `choice`; every step is drawn from it.

import { drawBooked, keep } from "./booked.js";
import { segment } from "./config.js";
import { el, say } from "./dom.js";
import { drawForm, ESSENTIAL } from "./form.js";
import { makeFlow, showProgress, showSummary } from "./flow.js";
import { t } from "./language.js";
import { agentsOf, drawAgents, drawServices, nameOf, target } from "./choice_lists.js";
import { drawErrorNotice, fill, OFFLINE } from "./error_notice.js";
import { isOutcomeUnknown, makeDecision } from "./videsk-proxy-client/index.js";
import { drawHourPicker } from "./hour_picker.js";
import { dayOf, writeDay, writeTime, zone } from "./zone.js";

/** @param {import("./videsk-proxy-client/index.js").VideskProxy} videsk */
export function startBooking(videsk) {
  const choice = {
    /** @type {import("./choice_lists.js").Service | undefined} */ service: undefined,
    /** @type {import("./choice_lists.js").Agent | undefined} */ agent: undefined,
    /** @type {string | undefined} */ startAt: undefined,
    /** @type {import("./form.js").Field[] | undefined} the form's, once read */ fields: undefined,
    /** @type {Map<string, import("./form.js").Value>} */ values: new Map(),
    /** @type {import("./hour_picker.js").TakenHour | undefined} */ taken: undefined,
    /** @type {any} */ problem: undefined,
    /** @type {string | undefined} an hour whose booking has an unknown outcome */ doubted: undefined,
    isSending: false,
    /** @type {{booking: import("./videsk-proxy-client/index.js").Booking, known: import("./booked.js").Known} | undefined} */
    booked: undefined,
  };
  /** @type {import("./videsk-proxy-client/index.js").Decision | undefined} the last one, unless it was refused */
  let decision;

  const flow = makeFlow({
    first: "service",
    allowed(step) {
      if (choice.booked) return "booked";
      if (!choice.service) return "service";
      if (["time", "details"].includes(step) && agentsOf(choice.service).length > 0 && !choice.agent)
        return "agent";
      if (step === "details" && !choice.startAt) return "time";
      return step === "booked" ? "service" : step;
    },
    around(step, go) {
      const wantsAgent = choice.service && agentsOf(choice.service).length > 1;
      showProgress(["service", ...(wantsAgent ? ["agent"] : []), "time", "details"], step, go);
      showSummary(step === "booked" ? [] : summary());
    },
    steps: {
      service: (signal) => {
        const place = el("div");
        fill(
          place,
          signal,
          () => videsk.services({ signal }),
          (services) => place.replaceChildren(drawServices(services, pickService)),
        );
        return { ...t.services, body: [place] };
      },

      agent: () => ({ ...t.agents, body: [drawAgents(agentsOf(service()), pickAgent)] }),

      time: (signal) => {
        const { startAt, taken } = choice;
        return {
          ...t.time,
          body: drawHourPicker({ videsk, target: target(choice), choose: pickHour, signal, startAt, taken }),
        };
      },

      details: (signal) => {
        const place = el("div");
        /** What was refused has the focus, once it is there. */
        let focus = () => {};
        const read = async () => (choice.fields ??= await readFields(signal));
        const reading = fill(place, signal, read, (fields) => {
          focus = showForm(place, fields);
        });
        return { ...t.details, body: [place], onShow: () => reading.then(() => focus()) };
      },

      booked: () => {
        const { booking, known } = /** @type {NonNullable<typeof choice.booked>} */ (choice.booked);
        return drawBooked(t.booked.title, booking, known);
      },
    },
  });
  return flow;

  function service() {
    return /** @type {import("./choice_lists.js").Service} */ (choice.service);
  }

  /** @returns {[string, string | undefined][]} */
  function summary() {
    const { agent, startAt } = choice;
    return [
      [t.summary.service, choice.service?.title],
      [t.summary.agent, agent && nameOf(agent)],
      [t.summary.day, startAt && writeDay(dayOf(startAt))],
      [t.summary.time, startAt && writeTime(startAt)],
    ];
  }

  /** @param {import("./choice_lists.js").Service} picked */
  function pickService(picked) {
    const agents = agentsOf(picked);
    Object.assign(choice, {
      service: picked,
      agent: undefined,
      startAt: undefined,
      taken: undefined,
      problem: undefined,
    });
    if (agents.length === 1) choice.agent = agents[0];
    flow.go(agents.length > 1 ? "agent" : "time");
  }

  /** @param {import("./choice_lists.js").Agent} picked */
  function pickAgent(picked) {
    Object.assign(choice, { agent: picked, startAt: undefined, taken: undefined, problem: undefined });
    flow.go("time");
  }

  /** @param {string} hour */
  function pickHour(hour) {
    Object.assign(choice, { startAt: hour, taken: undefined, problem: undefined });
    flow.go("details");
  }

  /** @param {AbortSignal} signal @returns {Promise<any[]>} */
  async function readFields(signal) {
    const { form } = await videsk.form(segment, {}, { signal });
    return /** @type {any[]} */ (form).filter(({ id }) => id !== ESSENTIAL);
  }

  /** @param {HTMLElement} place @param {import("./form.js").Field[]} fields */
  function showForm(place, fields) {
    const { problem, isSending, values } = choice;
    const refusals = refusedFields(problem, fields, values);
    const notice =
      problem && refusals.size === 0
        ? drawErrorNotice(problem, { again: () => resend(), anew: bookAnew })
        : undefined;
    const { form, focus } = drawForm({
      fields,
      values,
      refusals,
      submit: book,
      before: [notice],
      submitText: isSending ? t.details.sending : t.details.submit,
    });
    const submitButton = /** @type {HTMLButtonElement} */ (form.querySelector("button.primary"));
    submitButton.disabled = isSending;
    // The notice has a button of its own, which may have to wait, or to warn.
    submitButton.hidden = Boolean(notice);
    place.replaceChildren(form);
    return () => (notice ? notice.focus() : focus());

    function resend() {
      /** @type {HTMLFormElement} */ (form).requestSubmit();
    }
    function bookAnew() {
      decision = undefined;
      resend();
    }
  }

  /** @param {{_id: string, value: import("./form.js").Value}[]} form */
  async function book(form) {
    if (choice.isSending) return;
    const [kind, id] = target(choice);
    const booking = {
      startAt: choice.startAt ?? "",
      timezone: zone,
      form,
      ...(choice.agent && { service: service().id }),
    };
    const about = { service: choice.service, agent: choice.agent };
    if (!navigator.onLine) return refuse(OFFLINE, booking.startAt);
    decision = makeDecision({ kind, id, ...booking }, decision);
    const { idempotencyKey } = decision;
    Object.assign(choice, { isSending: true, problem: undefined });
    flow.redraw();
    say(t.details.sending);
    try {
      const made = await videsk.book(/** @type {any} */ (kind), id, /** @type {any} */ (booking), {
        idempotencyKey,
      });
      choice.booked = { booking: made, known: keep(made, about) };
      choice.isSending = false;
      flow.end("booked");
    } catch (error) {
      choice.isSending = false;
      await refuse(error, booking.startAt);
    }
  }

  /** @param {any} error @param {string} startAt */
  async function refuse(error, startAt) {
    if (!isOutcomeUnknown(error)) decision = undefined;
    if (error.status === 409 || error.data === "dateInPast") {
      const free = await videsk.alternatives(error).catch(() => undefined);
      Object.assign(choice, {
        startAt: undefined,
        taken: { startAt, free, mayBeOurs: startAt === choice.doubted },
      });
      flow.go("time");
      return;
    }
    choice.problem = error;
    if (error.outcomeUnknown) choice.doubted = startAt;
    if (flow.isAt("details")) flow.redraw();
    else flow.go("details");
  }
}

/**
 * The fields that a 400 speaks of: the proxy by their place in the form sent, Videsk by an id in its message.
 *
 * @param {any} error
 * @param {import("./form.js").Field[]} fields
 * @param {Map<string, unknown>} values
 * @returns {Map<string, string>}
 */
function refusedFields(error, fields, values) {
  if (error?.status !== 400) return new Map();
  // As it was sent: the trap, then what was filled in.
  const sent = [undefined, ...fields.filter(({ id }) => values.has(id))];
  const places = Object.keys(error.errors?.form ?? {}).map(Number);
  const named = fields.filter(
    (field) => error.message.includes(field.id) || places.some((place) => sent[place] === field),
  );
  return new Map(named.map(({ id }) => [id, t.details.refused]));
}
