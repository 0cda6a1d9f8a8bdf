/** The attributes of `<videsk-booking>`. docs/frontend.md describes each. */

/** A change of these starts the element again. */
export const STARTING = ["proxy", "service", "user", "segment", "mode", "referrer", "captcha-site-key", "prefill", "prefill-query"] as const;
/** A change of these draws it again. */
export const DRAWING = ["locale", "timezone", "first-day", "hour-cycle"] as const;
export const ATTRIBUTES = [...STARTING, ...DRAWING, "theme", "name"] as const;
export type Attribute = (typeof ATTRIBUTES)[number];

/** Return the values for the form's fields: of the attribute, and of the page's address for the fields that `prefill-query` names. */
export function prefilled(element: Element): Record<string, unknown> {
  const query = new URLSearchParams(location.search);
  const allowed = (element.getAttribute("prefill-query") ?? "").split(/\s+/).filter((name) => query.has(name));
  return { ...Object.fromEntries(allowed.map((name) => [name, query.get(name)])), ...parse(element.getAttribute("prefill")) };
}

function parse(text: string | null): object {
  try {
    return JSON.parse(text ?? "{}");
  } catch {
    return {};
  }
}

/** Give the class a property for each attribute: `firstDay` for `first-day`. */
export function reflectAttributes(prototype: HTMLElement): void {
  for (const name of ATTRIBUTES) {
    Object.defineProperty(prototype, name.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase()), {
      configurable: true,
      enumerable: true,
      get(this: HTMLElement) {
        return this.getAttribute(name);
      },
      set(this: HTMLElement, value: unknown) {
        if (value == null) this.removeAttribute(name);
        else this.setAttribute(name, typeof value === "object" ? JSON.stringify(value) : String(value));
      },
    });
  }
}

/** Apply properties that were set before the element was defined: they hide the class's own. */
export function upgradeProperties(element: HTMLElement): void {
  for (const name of Object.keys(element)) {
    if (!(name in Object.getPrototypeOf(element))) continue;
    const value = (element as any)[name];
    delete (element as any)[name];
    (element as any)[name] = value;
  }
}
