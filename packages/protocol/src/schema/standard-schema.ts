import type { JsonSchema } from "../types/primitives.ts";

/**
 * The Standard Schema interface (standardschema.dev, v1): what zod, valibot, arktype and others
 * implement. Declared here so that none of them is a dependency.
 */
export interface StandardSchemaV1<Input = unknown, Output = Input> {
  readonly "~standard": StandardSchemaV1.Props<Input, Output>;
}

export declare namespace StandardSchemaV1 {
  interface Props<Input = unknown, Output = Input> {
    readonly version: 1;
    readonly vendor: string;
    readonly validate: (
      value: unknown,
      options?: { readonly libraryOptions?: Record<string, unknown> | undefined } | undefined,
    ) => Result<Output> | Promise<Result<Output>>;
    readonly types?: Types<Input, Output> | undefined;
  }
  type Result<Output> = SuccessResult<Output> | FailureResult;
  interface SuccessResult<Output> {
    readonly value: Output;
    readonly issues?: undefined;
  }
  interface FailureResult {
    readonly issues: readonly Issue[];
  }
  interface Issue {
    readonly message: string;
    readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
  }
  interface Types<Input = unknown, Output = Input> {
    readonly input: Input;
    readonly output: Output;
  }
  type InferInput<Schema extends StandardSchemaV1> = NonNullable<
    Schema["~standard"]["types"]
  >["input"];
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
