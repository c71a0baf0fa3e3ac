import type { JsonSchema } from "../types/primitives.ts";

/**
 * The Standard Schema interface (standardschema.dev, v1): what zod, valibot, arktype and others
 * implement. Declared here so that none of them is a dependency.
 */
export interface StandardSchemaV1<Input = unknown, Output = Input> {
  readonly "~standard": StandardSchemaV1.Props<Input, Output>;
}

/** The parts of the interface, under the names of standardschema.dev. */
export declare namespace StandardSchemaV1 {
  /** What a schema has under `~standard`. */
  interface Props<Input = unknown, Output = Input> {
    readonly version: 1;
    readonly vendor: string;
    readonly validate: (
      value: unknown,
      options?: { readonly libraryOptions?: Record<string, unknown> | undefined } | undefined,
    ) => Result<Output> | Promise<Result<Output>>;
    readonly types?: Types<Input, Output> | undefined;
  }
  /** What `validate` gives. */
  type Result<Output> = SuccessResult<Output> | FailureResult;
  /** The value is good; `value` is what the schema made of it. */
  interface SuccessResult<Output> {
    readonly value: Output;
    readonly issues?: undefined;
  }
  /** The value is not good, for these reasons. */
  interface FailureResult {
    readonly issues: readonly Issue[];
  }
  /** One thing that is wrong, and where. */
  interface Issue {
    readonly message: string;
    readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
  }
  /** Carries the types; never there at run time. */
  interface Types<Input = unknown, Output = Input> {
    readonly input: Input;
    readonly output: Output;
  }
  /** What the schema takes. */
  type InferInput<Schema extends StandardSchemaV1> = NonNullable<
    Schema["~standard"]["types"]
  >["input"];
  /** What the schema makes of it. */
  type InferOutput<Schema extends StandardSchemaV1> = NonNullable<
    Schema["~standard"]["types"]
  >["output"];
}

/** What a conversion is asked for. `libraryOptions` are the library's own. */
export interface JsonSchemaTarget {
  readonly target: string;
  readonly libraryOptions?: Record<string, unknown> | undefined;
}

/** The Standard JSON Schema extension: a schema that can say itself in JSON Schema. */
export interface StandardJsonSchemaV1 extends StandardSchemaV1 {
  readonly "~standard": StandardSchemaV1.Props & {
    readonly jsonSchema: {
      readonly input: (options: JsonSchemaTarget) => JsonSchema;
      readonly output: (options: JsonSchemaTarget) => JsonSchema;
    };
  };
}
