import type { FormField } from "../../client/src/index.js";
import type { Context } from "./context.js";
import { el } from "./dom.js";
import type { Child } from "./dom.js";
import { write } from "./language.js";

export type Field = FormField & { id: string };
export type Value = string | number | boolean | (string | number)[];
type Input = HTMLInputElement;

/** Videsk's honeypot: always sent, and always empty where a human filled in the form. */
export const ESSENTIAL = "videsk_essential";

/** Videsk's types of a line of text, as a browser's; any other one is plain text. */
const LINES: Record<string, Record<string, string>> = {
  email: { type: "email", autocomplete: "email" },
  phone: { type: "tel", autocomplete: "tel" },
  number: { type: "number", step: "any", inputmode: "numeric" },
};

/**
 * Draw the form as Videsk describes it. What is written goes into `values` immediately, so that nothing
 * is lost whatever is drawn next.
 *
 * `fields`: without the honeypot. `values`, `refusals`: by the field's id. `before`: what stands above the button.
 */
export function drawForm(
  ctx: Context,
  { fields, values, refusals, submitText, submit, before }: {
    fields: Field[];
    values: Map<string, Value>;
    refusals: Map<string, string>;
    submitText: string;
    submit: (form: { _id: string; value: Value }[]) => void;
    before: Child[];
  },
) {
  const drawn = fields.map((field) => drawField(ctx, field, values));
  const trap = el("input", { name: ESSENTIAL, tabindex: "-1", autocomplete: "off", "aria-hidden": "true" });
  const submitButton = el("button", { class: "primary", part: "button submit" }, submitText);
  const form = el(
    "form",
    { novalidate: true, onsubmit: send },
    drawn.map(({ element }) => element),
    el("div", { hidden: true }, trap),
    before,
    submitButton,
  );

  function send(event: Event): void {
    event.preventDefault();
    const wrong = drawn.filter((field) => !field.check());
    if (wrong[0]) return wrong[0].focus();
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
  return { form, submitButton, focus: () => refused[0]?.focus() };
}

function drawField(ctx: Context, field: Field, values: Map<string, Value>) {
  const { t } = ctx;
  const complaint = el("p", { class: "complaint", id: `${field.id}-complaint`, part: "error" });
  const hint = field.hint ? el("p", { class: "hint", id: `${field.id}-hint` }, field.hint) : undefined;
  const draw = field.options?.length ? drawChoices : field.type === "checkbox" ? drawTick : drawLine;
  const { element, inputs } = draw(ctx, field, values, hint);
  element.append(complaint);

  function complain(text: string): void {
    complaint.textContent = text;
    for (const input of inputs) {
      input.setAttribute("aria-invalid", String(text !== ""));
      const described = [hint && `${field.id}-hint`, text && `${field.id}-complaint`].filter(Boolean).join(" ");
      input.setAttribute("aria-describedby", described);
    }
  }

  function check(): boolean {
    const nothing = inputs.every((input) => input.type === "checkbox" && !input.checked);
    const missing = field.properties?.required && nothing;
    complain(missing ? (inputs.length > 1 ? t.details.mustChoose : t.details.mustTick) : complaintAbout(ctx, inputs[0]!));
    return complaint.textContent === "";
  }

  // While it is being corrected, not when it is left: the button below must not move under a click.
  element.addEventListener("input", () => inputs.some((input) => input.ariaInvalid === "true") && check());
  complain("");
  return { id: field.id, element, check, complain, focus: () => inputs[0]!.focus() };
}

/** In the widget's words, which say what to write. */
function complaintAbout({ t }: Context, { validity, min, max, maxLength }: Input): string {
  if (validity.badInput) return t.details.number;
  if (validity.valueMissing) return t.details.required;
  if (validity.typeMismatch) return t.details.email;
  if (validity.rangeUnderflow) return write(t.details.least, { least: min });
  if (validity.rangeOverflow) return write(t.details.most, { most: max });
  if (validity.tooLong) return write(t.details.tooLong, { most: maxLength });
  return "";
}

const labelOf = ({ t }: Context, field: Field): Child[] => [
  field.label || field.name,
  !field.properties?.required && [" ", el("span", { class: "optional" }, t.details.optional)],
];

/** One line to write in. */
function drawLine(ctx: Context, field: Field, values: Map<string, Value>, hint: Child) {
  const { required, placeholder, maxlength, min, max } = (field.properties ?? {}) as Record<string, any>;
  const isNumber = field.type === "number";
  const input = el((field.type === "textarea" ? "textarea" : "input") as "input", {
    id: field.id,
    name: field.name,
    part: "input",
    placeholder,
    maxlength,
    min,
    max,
    required: Boolean(required),
    autocomplete: field.name === "name" && "name",
    ...LINES[field.type],
    oninput: () => {
      if (input.value === "") values.delete(field.id);
      else values.set(field.id, isNumber ? input.valueAsNumber : input.value);
    },
  });
  input.value = String(values.get(field.id) ?? "");
  return {
    element: el("div", { class: "field" }, el("label", { for: field.id }, labelOf(ctx, field)), hint, input),
    inputs: [input],
  };
}

/** Yes or no. */
function drawTick(ctx: Context, field: Field, values: Map<string, Value>, hint: Child) {
  const input = drawBox({ id: field.id, name: field.name, checked: values.get(field.id) === true }, (checked) =>
    values.set(field.id, checked),
  );
  return {
    element: el("div", { class: "field" }, el("label", { class: "tick" }, input, el("span", {}, labelOf(ctx, field))), hint),
    inputs: [input],
  };
}

/** Any of several for `multiple`, else one. */
function drawChoices(ctx: Context, field: Field, values: Map<string, Value>, hint: Child): { element: HTMLElement; inputs: Input[] } {
  const options = (field.options ?? []).map(String);
  if (field.type !== "multiple") {
    const select = el(
      "select",
      {
        id: field.id,
        name: field.name,
        part: "input",
        required: Boolean(field.properties?.required),
        onchange: () => (select.value === "" ? values.delete(field.id) : values.set(field.id, select.value)),
      },
      el("option", { value: "" }, ctx.t.details.chooseOne),
      options.map((option) => el("option", { value: option }, option)),
    );
    select.value = String(values.get(field.id) ?? "");
    return {
      element: el("div", { class: "field" }, el("label", { for: field.id }, labelOf(ctx, field)), hint, select),
      inputs: [select as unknown as Input],
    };
  }
  const before = (values.get(field.id) ?? []) as string[];
  const inputs: Input[] = options.map((option) =>
    drawBox({ name: field.name, value: option, checked: before.includes(option) }, () => {
      const chosen = inputs.filter((input) => input.checked).map((input) => input.value);
      if (chosen.length) values.set(field.id, chosen);
      else values.delete(field.id);
    }),
  );
  const ticks = options.map((option, index) => el("label", { class: "tick" }, inputs[index], el("span", {}, option)));
  return { element: el("fieldset", { class: "field" }, el("legend", {}, labelOf(ctx, field)), hint, ticks), inputs };
}

function drawBox(attributes: Record<string, string | boolean>, change: (checked: boolean) => void): Input {
  const input = el("input", { type: "checkbox", ...attributes, onchange: () => change(input.checked) });
  return input;
}
