/** Why a schema was refused. Stable. */
export type SchemaErrorCode =
  | "schema_not_convertible"
  | "schema_invalid"
  | "schema_root_not_object"
  | "schema_network_ref"
  | "schema_dialect_unsupported"
  | "schema_validator_unavailable"
  | "schema_header_invalid";

const brand = Symbol.for("backplane.SchemaError");

/** A schema that cannot be served: thrown at registration, never during a call. */
export class SchemaError extends TypeError {
  override readonly name: string = "SchemaError";
  readonly code: SchemaErrorCode;
  /** What the schema belongs to, such as `tool "get_weather" input`. */
  readonly subject: string;
  /** The offending place as a JSON Pointer fragment into the JSON Schema; `#` is the root. */
  readonly path: string;

  constructor(
    code: SchemaErrorCode,
    subject: string,
    path: string,
    reason: string,
    options?: { readonly cause?: unknown },
  ) {
    super(`${subject}: ${path}: ${reason}`, options);
    Object.defineProperty(this, brand, { value: true });
    this.code = code;
    this.subject = subject;
    this.path = path;
  }

  /** Survives two copies of this package in one process, where `instanceof` does not. */
  static isInstance(value: unknown): value is SchemaError {
    return typeof value === "object" && value !== null && brand in value;
  }
}
