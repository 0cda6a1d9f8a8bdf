// What this browser remembers: the language, and what each appointment is about, by its action
// token, because Videsk tells nothing about an appointment to somebody who has only that.
// A browser that may not remember forgets, and nothing else happens.

const PREFIX = "videsk:";

/** @param {string} name */
export function recall(name) {
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
export function remember(name, value) {
  try {
    localStorage.setItem(PREFIX + name, JSON.stringify(value));
  } catch {
    // Private windows, or no room.
  }
}

/** @param {string} name */
export function forget(name) {
  try {
    localStorage.removeItem(PREFIX + name);
  } catch {
    // It was not remembered either.
  }
}

/** Appointments that are over need no memory, and their tokens should not lie about. */
export function forgetThePast() {
  try {
    for (const key of Object.keys(localStorage).filter((key) => key.startsWith(PREFIX))) {
      const endAt = recall(key.slice(PREFIX.length))?.endAt;
      if (endAt && new Date(endAt).getTime() < Date.now()) localStorage.removeItem(key);
    }
  } catch {
    // Nothing to look through.
  }
}
