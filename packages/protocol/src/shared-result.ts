const shared = new WeakSet<object>();

/**
 * Marks a result that is the same object for many calls of one method and target, and is never changed, so that
 * its JSON is made once and kept under its identity. An interceptor that changes it returns another object.
 */
export function shareResult<Result extends object>(result: Result): Result {
  shared.add(result);
  return result;
}

/** Whether a result was given to {@link shareResult}. */
export function isSharedResult(result: object): boolean {
  return shared.has(result);
}
