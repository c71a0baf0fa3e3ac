/** Loaded with the first token: whoever has none does not pay for it. */
export function loadJose(): Promise<typeof import("jose")> {
  loading ??= import("jose");
  return loading;
}

let loading: Promise<typeof import("jose")> | undefined;
