/** What `servers/fixed.mjs` answers to every call. */
export const fixedText = "message number 100000";
