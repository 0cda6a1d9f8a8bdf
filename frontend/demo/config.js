// The only file to edit when this page is yours.

/** Where videsk-proxy answers. */
export const proxy = `${location.protocol}//${location.hostname}:8000`;

/** The Videsk segment whose form customers fill in. */
export const segment = "63bdbf49394aad976d4aa5aa";
