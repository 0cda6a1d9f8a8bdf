// Stores the language in localStorage, and the details of each appointment by its action token: Videsk
// does not return them for that token. Without localStorage, the page works but stores nothing.

const PREFIX = "videsk:";

/** @param {string} name */
export function load(name) {
  try {
    return JSON.parse(localStorage.getItem(PREFIX + name) ?? "null");
  } catch {
    return null;
  }
}

/**
 * @param {string} name
 * @param {unknown} value
 */
export function save(name, value) {
  try {
    localStorage.setItem(PREFIX + name, JSON.stringify(value));
  } catch {
    // Not allowed in private windows, or full.
  }
}

/** @param {string} name */
export function remove(name) {
  try {
    localStorage.removeItem(PREFIX + name);
  } catch {
    // Then nothing was stored either.
  }
}

/** Removes past appointments, so that their tokens do not stay in the browser. */
export function removeExpired() {
  try {
    for (const key of Object.keys(localStorage).filter((key) => key.startsWith(PREFIX))) {
      const endAt = load(key.slice(PREFIX.length))?.endAt;
      if (endAt && new Date(endAt).getTime() < Date.now()) localStorage.removeItem(key);
    }
  } catch {
    // Then nothing was stored.
  }
}
