/** What calls send and get, looked up by path in the OpenAPI document: what it changes does not compile. */
export {};
//# sourceMappingURL=types.js.map