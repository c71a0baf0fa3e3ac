/** An object whose members come from ids and ports: without a prototype no name of theirs means anything. */
export function emptyRecord<Value>(): Record<string, Value> {
  return Object.create(null) as Record<string, Value>;
}

/** Whether `value` has `name` itself, for objects of any origin. */
export function hasOwn(value: object, name: PropertyKey): boolean {
  return Object.hasOwn(value, name);
}

/** Names for a message: as many as help a reader. */
export function listNames(names: Iterable<string>, none = "none"): string {
  const all = [...names];
  if (all.length === 0) return none;
  const shown = all.slice(0, 20).join(", ");
  return all.length > 20 ? `${shown} and ${all.length - 20} more` : shown;
}
