// Node.js has no custom elements: on a server, importing the package does nothing.
export {};
