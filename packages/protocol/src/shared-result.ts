const TEXT: unique symbol = Symbol("the JSON of a shared result");

/** The JSON of a shared result, as whoever encoded it last left it. */
export interface SharedText {
  /** Who made it, and for what: empty until somebody did. */
  made: { readonly by: object } | undefined;
}

/**
 * Marks and freezes a result that is the same object for many calls of one method and target, so that its JSON
 * is made once and kept with it. What is inside must never change either. An interceptor that changes it returns
 * another object: a copy made by spreading is not marked.
 * @throws {TypeError} for an object that is frozen already.
 */
export function shareResult<Result extends object>(result: Result): Result {
  if (sharedText(result) !== undefined) return result;
  const text: SharedText = { made: undefined };
  return Object.freeze(Object.defineProperty(result, TEXT, { value: text }));
}

/** Where the JSON of a result is kept that was given to {@link shareResult}; undefined for any other. */
export function sharedText(result: object): SharedText | undefined {
  return (result as { readonly [TEXT]?: SharedText })[TEXT];
}
