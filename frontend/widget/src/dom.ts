export type Child = Node | string | null | undefined | false | Child[];
type Attribute = string | boolean | null | undefined | ((event: any) => void);

/**
 * Make an element. A function is a listener ("onclick"), `true` an attribute without a value, and
 * null, undefined and false are left out. Text stays text: nothing here parses markup.
 */
export function el<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  attributes: Record<string, Attribute> = {},
  ...children: Child[]
): HTMLElementTagNameMap[Tag] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(name.slice(2), value);
    else if (value != null && value !== false) element.setAttribute(name, value === true ? "" : value);
  }
  fill(element, children);
  return element;
}

/** Replace what the element contains. */
export function fill(element: Element, ...children: Child[]): void {
  element.replaceChildren(...(children.flat(9) as Child[]).filter((child): child is Node | string => child != null && child !== false));
}

/** Make a button that submits no form. */
export function button(text: string, onclick: () => void, attributes: Record<string, Attribute> = {}): HTMLButtonElement {
  return el("button", { type: "button", onclick, ...attributes }, text);
}

/** Return a style sheet that needs no permission of the page's Content-Security-Policy. */
export function styleSheet(css: string): CSSStyleSheet {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(css);
  return sheet;
}
