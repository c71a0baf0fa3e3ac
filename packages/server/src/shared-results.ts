const shared = new WeakSet<object>();

/**
 * Marks a result that is the same object for many calls, of one codec and never changed, so that its JSON
 * is made once and kept under its identity. An interceptor that changes it returns another object.
 */
export function share<Result extends object>(result: Result): Result {
  shared.add(result);
  return result;
}

export function isShared(result: object): boolean {
  return shared.has(result);
}
