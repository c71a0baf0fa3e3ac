import { escapePointer } from "./walk.ts";

/** Which half of a schema stands in the JSON Schema: what goes in, or what comes out. */
export type SchemaSide = "input" | "output";

/**
 * Set by the hooks below on what a library cannot say in JSON Schema. It never leaves `convert.ts`:
 * a schema that holds it is refused, with the place where it stands.
 */
export const UNREPRESENTABLE = "x-backplane-unrepresentable";

/** How one library is made to say what it cannot convert, instead of writing `{}` or less. */
interface VendorHooks {
  /** Options of the conversion that serves. */
  options(side: SchemaSide): Record<string, unknown> | undefined;
  /** Options of a second conversion, after the first one threw, that only finds the place. */
  locate?: Record<string, unknown>;
  /** What no hook of the library sees; answers with a place and a reason. */
  inspect?(schema: unknown, side: SchemaSide): { path: string; reason: string } | undefined;
  /** What to do when this version or variant of the library cannot convert at all. */
  readonly remedy: string;
}

/** zod throws without a place, and writes a file as a string although no JSON value is one. */
const zod: VendorHooks = {
  options: () => ({
    override: (context: {
      zodSchema?: { _zod?: { def?: { type?: unknown } } };
      jsonSchema: Record<string, unknown>;
    }) => {
      if (context.zodSchema?._zod?.def?.type === "file") {
        context.jsonSchema[UNREPRESENTABLE] = "a File cannot be represented in JSON";
      }
    },
  }),
  locate: {
    unrepresentable: (context: { message?: string }) => ({ [UNREPRESENTABLE]: context.message }),
  },
  remedy:
    "use zod 4.2 or later from the entry `zod` (zod 3 and `zod/mini` have no Standard JSON Schema), " +
    "or pass the result of `z.toJSONSchema(schema)`",
};

interface ArkFallback {
  readonly base: Record<string, unknown>;
  readonly code: string;
}

const arkMark = (reason: string) => (context: ArkFallback) => ({
  ...context.base,
  [UNREPRESENTABLE]: reason,
});

/** ArkType's Standard JSON Schema writes `{}` for whatever it cannot say. */
const arktype: VendorHooks = {
  options: () => ({
    fallback: {
      date: arkMark("a Date cannot be represented in JSON Schema"),
      domain: arkMark("a bigint or symbol cannot be represented in JSON Schema"),
      proto: arkMark("a class instance cannot be represented in JSON Schema"),
      unit: arkMark("a value that JSON lacks cannot be represented in JSON Schema"),
      morph: arkMark("a morph cannot be represented in JSON Schema"),
      arrayObject: arkMark("an array with properties cannot be represented in JSON Schema"),
      symbolKey: () => {
        throw new Error("a symbol key cannot be represented in JSON Schema");
      },
    },
  }),
  inspect(schema, side) {
    if (side === "input") return undefined;
    const { internal } = schema as {
      internal?: {
        flatMorphs?: readonly {
          path?: readonly unknown[];
          node?: { introspectableOut?: unknown; rawOut?: { expression?: unknown } };
        }[];
      };
    };
    const found = internal?.flatMorphs?.find(
      ({ node }) => node?.introspectableOut === undefined && node?.rawOut?.expression === "unknown",
    );
    if (found === undefined) return undefined;
    const steps = (found.path ?? []).map((key) =>
      typeof key === "string" ? `/properties/${escapePointer(key)}` : "/items",
    );
    return {
      path: `#${steps.join("")}`,
      reason: "a morph whose output is not declared cannot be represented; add `.to(type)`",
    };
  },
  remedy: "use arktype 2.1.28 or later, which has Standard JSON Schema",
};

/** Actions that leave the JSON as it is: types for the compiler, or white space at the edges. */
const VALIBOT_INERT = new Set(["brand", "flavor", "readonly"]);
const VALIBOT_TRIM = new Set(["trim", "trim_start", "trim_end"]);

interface ValibotContext {
  readonly jsonSchema: Record<string, unknown>;
  readonly errors?: readonly string[];
  readonly valibotAction?: { readonly kind: string; readonly type: string };
}

const valibot: VendorHooks = {
  options(side) {
    const mark = ({ jsonSchema, errors }: ValibotContext) =>
      errors === undefined ? undefined : { ...jsonSchema, [UNREPRESENTABLE]: errors[0] };
    return {
      overrideSchema: mark,
      overrideAction(context: ValibotContext) {
        const action = context.valibotAction;
        // A check that JSON Schema has no keyword for is still made when a value is validated.
        const inert =
          action?.kind === "validation" ||
          VALIBOT_INERT.has(action?.type ?? "") ||
          (side === "input" && VALIBOT_TRIM.has(action?.type ?? ""));
        return inert ? context.jsonSchema : mark(context);
      },
    };
  },
  remedy: "wrap it: `toStandardJsonSchema(schema)` of @valibot/to-json-schema",
};

const unknownVendor: VendorHooks = {
  options: () => undefined,
  remedy:
    "use a version of the library that has Standard JSON Schema (`~standard.jsonSchema`), " +
    "or pass a raw JSON Schema",
};

const hooks: ReadonlyMap<string, VendorHooks> = new Map([
  ["zod", zod],
  ["arktype", arktype],
  ["valibot", valibot],
]);

export function vendorHooks(vendor: string): VendorHooks {
  return hooks.get(vendor) ?? unknownVendor;
}
