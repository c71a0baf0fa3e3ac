/** Deeper data is taken for data that contains itself. */
const MAX_DEPTH = 512;

/**
 * Copies plain objects and arrays, all the way down. Everything else (dates, buffers, instances of classes) is
 * taken as it is.
 * @param refuse called with the place of what no data can be: a function, a symbol, data that contains itself.
 */
export function plainCopy(value: unknown, refuse: (path: string, what: string) => never): unknown {
  return copy(value, 0, [], refuse);
}

type Refuse = (path: string, what: string) => never;

function copy(value: unknown, depth: number, path: PropertyKey[], refuse: Refuse): unknown {
  if (typeof value !== "object" || value === null) {
    if (typeof value === "function" || typeof value === "symbol") {
      refuse(path.join("."), `a ${typeof value}`);
    }
    return value;
  }
  const isArray = Array.isArray(value);
  if (!isArray && !isPlain(value)) return value;
  if (depth > MAX_DEPTH) refuse(path.slice(0, 8).join("."), "data that contains itself");
  return isArray ? copyArray(value, depth, path, refuse) : copyObject(value, depth, path, refuse);
}

function copyArray(values: unknown[], depth: number, path: PropertyKey[], refuse: Refuse): unknown {
  const copied: unknown[] = new Array(values.length);
  for (let index = 0; index < values.length; index++) {
    const item = values[index];
    if (isScalar(item)) copied[index] = item;
    else copied[index] = step(item, index, depth, path, refuse);
  }
  return copied;
}

function copyObject(value: object, depth: number, path: PropertyKey[], refuse: Refuse): unknown {
  const copied: Record<string, unknown> = {};
  for (const key of Object.keys(value)) {
    const item = (value as Record<string, unknown>)[key];
    const own = isScalar(item) ? item : step(item, key, depth, path, refuse);
    if (key !== "__proto__") copied[key] = own;
    else {
      // An assignment would replace the prototype.
      const member = { value: own, enumerable: true, configurable: true, writable: true };
      Object.defineProperty(copied, key, member);
    }
  }
  return copied;
}

function step(
  item: unknown,
  key: PropertyKey,
  depth: number,
  path: PropertyKey[],
  refuse: Refuse,
): unknown {
  path.push(key);
  const copied = copy(item, depth + 1, path, refuse);
  path.pop();
  return copied;
}

function isScalar(value: unknown): boolean {
  const type = typeof value;
  return type === "string" || type === "number" || type === "boolean" || value == null;
}

function isPlain(value: object): boolean {
  const prototype = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
