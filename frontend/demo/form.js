import { el } from "./dom.js";
import { t } from "./language.js";

/** @typedef {import("./videsk-proxy-client/index.js").FormField & {id: string}} Field */
/** @typedef {string | number | boolean | (string | number)[]} Value */

// Videsk's trap for machines: always sent, and always empty where a human filled the form.
export const ESSENTIAL = "videsk_essential";

/** Videsk's types of a line of text, as a browser's; any other one is plain text. */
const LINES = {
  email: { type: "email", autocomplete: "email" },
  phone: { type: "tel", autocomplete: "tel" },
  number: { type: "number", step: "any", inputmode: "numeric" },
};

/**
 * Draws the form as Videsk describes it. What is written goes into `values` immediately, so that nothing
 * is lost whatever is drawn next.
 *
 * @param {object} given
 * @param {Field[]} given.fields without the trap
 * @param {Map<string, Value>} given.values by the field's id
 * @param {Map<string, string>} given.refusals messages by the field's id
 * @param {string} given.submitText
 * @param {(form: {_id: string, value: Value}[]) => void} given.submit
 * @param {any[]} given.before what stands above the button
 */
export function drawForm({ fields, values, refusals, submitText, submit, before }) {
  const drawn = fields.map((field) => drawField(field, values));
  const trap = /** @type {HTMLInputElement} */ (
    el("input", { name: ESSENTIAL, tabindex: "-1", autocomplete: "off", "aria-hidden": "true" })
  );
  const submitButton = el("button", { class: "primary" }, submitText);
  const form = el(
    "form",
    { novalidate: true, onsubmit: send },
    drawn.map(({ element }) => element),
    el("div", { hidden: true }, trap),
    before,
    submitButton,
  );

  /** @param {Event} event */
  function send(event) {
    event.preventDefault();
    const wrong = drawn.filter((field) => !field.check());
    if (wrong.length > 0) return wrong[0].focus();
    submit([
      { _id: ESSENTIAL, value: trap.value },
      ...fields.flatMap(({ id }) => {
        const value = values.get(id);
        return value === undefined ? [] : [{ _id: id, value }];
      }),
    ]);
  }

  const refused = drawn.filter(({ id }) => refusals.has(id));
  for (const field of refused) field.complain(refusals.get(field.id) ?? "");
  return { form, focus: () => refused[0]?.focus() };
}

/** @param {Field} field @param {Map<string, Value>} values */
function drawField(field, values) {
  const complaint = el("p", { class: "complaint", id: `${field.id}-complaint` });
  const hint = field.hint && el("p", { class: "hint", id: `${field.id}-hint` }, field.hint);
  const draw = field.options?.length ? drawChoices : field.type === "checkbox" ? drawTick : drawLine;
  const { element, inputs } = draw(field, values, hint);
  element.append(complaint);

  /** @param {string} text */
  function complain(text) {
    complaint.textContent = text;
    for (const input of inputs) {
      input.setAttribute("aria-invalid", String(text !== ""));
      input.setAttribute(
        "aria-describedby",
        [hint && `${field.id}-hint`, text && `${field.id}-complaint`].filter(Boolean).join(" "),
      );
    }
  }

  function check() {
    const nothing = inputs.every((input) => input.type === "checkbox" && !input.checked);
    const missing = field.properties?.required && nothing;
    complain(
      missing ? (inputs.length > 1 ? t.details.mustChoose : t.details.mustTick) : complaintAbout(inputs[0]),
    );
    return complaint.textContent === "";
  }

  // While it is being mended, not when it is left: the button below must not move under a click.
  element.addEventListener("input", () => inputs.some((input) => input.ariaInvalid === "true") && check());
  complain("");
  return { id: field.id, element, check, complain, focus: () => inputs[0].focus() };
}

/** In the page's words, which say what to write. @param {HTMLInputElement} input */
function complaintAbout({ validity, min, max, maxLength }) {
  if (validity.badInput) return t.details.number;
  if (validity.valueMissing) return t.details.required;
  if (validity.typeMismatch) return t.details.email;
  if (validity.rangeUnderflow) return t.details.least(min);
  if (validity.rangeOverflow) return t.details.most(max);
  if (validity.tooLong) return t.details.tooLong(String(maxLength));
  return "";
}

/** @param {Field} field */
const labelOf = (field) => [
  field.label || field.name,
  ...(field.properties?.required ? [] : [" ", el("span", { class: "optional" }, t.details.optional)]),
];

/** One line to write in. @param {Field} field @param {Map<string, Value>} values @param {any} hint */
function drawLine(field, values, hint) {
  const { required, placeholder, maxlength, min, max } = /** @type {Record<string, any>} */ (
    field.properties ?? {}
  );
  const isNumber = field.type === "number";
  const tag = field.type === "textarea" ? "textarea" : "input";
  const input = /** @type {HTMLInputElement} */ (
    el(tag, {
      id: field.id,
      name: field.name,
      placeholder,
      maxlength,
      min,
      max,
      required: Boolean(required),
      autocomplete: field.name === "name" && "name",
      .../** @type {Record<string, object>} */ (LINES)[field.type],
      oninput: () => {
        if (input.value === "") values.delete(field.id);
        else values.set(field.id, isNumber ? input.valueAsNumber : input.value);
      },
    })
  );
  input.value = String(values.get(field.id) ?? "");
  return {
    element: el("div", { class: "field" }, el("label", { for: field.id }, labelOf(field)), hint, input),
    inputs: [input],
  };
}

/** Yes or no. @param {Field} field @param {Map<string, Value>} values @param {any} hint */
function drawTick(field, values, hint) {
  const input = drawBox(
    { id: field.id, name: field.name, checked: values.get(field.id) === true },
    (checked) => values.set(field.id, checked),
  );
  return {
    element: el(
      "div",
      { class: "field" },
      el("label", { class: "tick" }, input, el("span", {}, labelOf(field))),
      hint,
    ),
    inputs: [input],
  };
}

/** Any of several for `multiple`, else one. @param {Field} field @param {Map<string, Value>} values @param {any} hint */
function drawChoices(field, values, hint) {
  const options = field.options.map(String);
  if (field.type !== "multiple") {
    const select = /** @type {any} */ (
      el(
        "select",
        {
          id: field.id,
          name: field.name,
          required: Boolean(field.properties?.required),
          onchange: () =>
            select.value === "" ? values.delete(field.id) : values.set(field.id, select.value),
        },
        el("option", { value: "" }, t.details.chooseOne),
        options.map((option) => el("option", { value: option }, option)),
      )
    );
    select.value = String(values.get(field.id) ?? "");
    return {
      element: el("div", { class: "field" }, el("label", { for: field.id }, labelOf(field)), hint, select),
      inputs: [select],
    };
  }
  const before = /** @type {string[]} */ (values.get(field.id) ?? []);
  const inputs = options.map((option) =>
    drawBox({ name: field.name, value: option, checked: before.includes(option) }, () => {
      const chosen = inputs.filter((input) => input.checked).map((input) => input.value);
      if (chosen.length) values.set(field.id, chosen);
      else values.delete(field.id);
    }),
  );
  return {
    element: el(
      "fieldset",
      { class: "field" },
      el("legend", {}, labelOf(field)),
      hint,
      options.map((option, index) => el("label", { class: "tick" }, inputs[index], el("span", {}, option))),
    ),
    inputs,
  };
}

/** @param {Record<string, any>} attributes @param {(checked: boolean) => void} change */
function drawBox(attributes, change) {
  const input = /** @type {HTMLInputElement} */ (
    el("input", { type: "checkbox", ...attributes, onchange: () => change(input.checked) })
  );
  return input;
}
