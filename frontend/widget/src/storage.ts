/**
 * Stores the language in localStorage, and the details of each appointment by its action token: Videsk
 * does not return them for that token. Without localStorage, the widget works but stores nothing.
 */

export const PREFIX = "videsk:";

export function load(name: string): any {
  try {
    return JSON.parse(localStorage.getItem(PREFIX + name) ?? "null");
  } catch {
    return null;
  }
}

export function save(name: string, value: unknown): void {
  try {
    localStorage.setItem(PREFIX + name, JSON.stringify(value));
  } catch {
    // Not allowed in private windows, or full.
  }
}
