/**
 * Makes an element. A function is a listener ("onclick"), `true` an attribute without a value, and
 * what is null, undefined or false is left out. Text stays text: nothing here reads markup.
 *
 * @param {string} tag
 * @param {Record<string, any>} [attributes]
 * @param {any[]} children
 */
export function el(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(name.slice(2), value);
    else if (value != null && value !== false) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat().filter((child) => child != null && child !== false));
  return element;
}

/** @param {string} id */
export function byId(id) {
  return /** @type {HTMLElement} */ (document.getElementById(id));
}

/**
 * A button that is no form's submit.
 *
 * @param {string} text
 * @param {() => void} onclick
 * @param {Record<string, any>} [attributes]
 */
export function button(text, onclick, attributes = {}) {
  return /** @type {HTMLButtonElement} */ (el("button", { type: "button", onclick, ...attributes }, text));
}

/**
 * Announces to screen readers what others see happen on the page.
 *
 * @param {string} text
 */
export function say(text) {
  byId("said").textContent = text;
}

/**
 * The address as a link may have it: what comes from outside may be no web address at all.
 *
 * @param {string} address
 */
export function webAddress(address) {
  try {
    const { protocol, href } = new URL(address);
    return ["http:", "https:"].includes(protocol) ? href : undefined;
  } catch {
    return undefined;
  }
}
