/**
 * Stores the language in localStorage, and the details of each appointment by its action token: Videsk
 * does not return them for that token. Without localStorage, the widget works but stores nothing.
 */

const PREFIX = "videsk:";

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

export function remove(name: string): void {
  try {
    localStorage.removeItem(PREFIX + name);
  } catch {
    // Then nothing was stored either.
  }
}

/** Remove past appointments, so that their tokens do not stay in the browser. */
export function removeExpired(): void {
  try {
    for (const key of Object.keys(localStorage).filter((key) => key.startsWith(PREFIX))) {
      const endAt = load(key.slice(PREFIX.length))?.endAt;
      if (endAt && new Date(endAt).getTime() < Date.now()) localStorage.removeItem(key);
    }
  } catch {
    // Then nothing was stored.
  }
}
