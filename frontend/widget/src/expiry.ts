import { load, PREFIX } from "./storage.js";

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
