// A form from a JSON Schema: fields for what a field can hold, JSON for everything else.
import { block, make, plain } from "./dom.js";

const MAX_FIELDS = 60;
const MAX_CHOICES = 200;
let lastId = 0;

/**
 * @returns the element, and `read`, which gives the object that was filled in, or undefined when some of it cannot
 * be read; then the first such field has the focus and says why.
 */
export function formFor(schema) {
  const properties = Object.entries(schema?.properties ?? {});
  const isForm =
    schema !== null &&
    typeof schema === "object" &&
    properties.length <= MAX_FIELDS &&
    !hasChoices(schema);
  const required = new Set(Array.isArray(schema?.required) ? schema.required : []);
  const fields = isForm
    ? properties.map(([name, each]) => ({
        name,
        ...fieldFor(name, each ?? {}, required.has(name)),
      }))
    : [{ name: undefined, ...jsonField("Arguments", {}, true, "{}") }];
  const element = make("div", { class: "fields" }, ...fields.map((field) => field.element));
  if (isForm && fields.length === 0) element.append(make("p", { class: "zero" }, "No arguments."));
  const read = () => {
    const entries = [];
    for (const { name, value, problem } of fields) {
      const given = value();
      if (problem(given)) return undefined;
      if (name === undefined) return given.value;
      if (given.value !== undefined) entries.push([name, given.value]);
    }
    return Object.fromEntries(entries);
  };
  return { element, read, names: fields.map(({ name }) => name) };
}

const hasChoices = (schema) => ["oneOf", "anyOf", "$ref"].some((member) => member in schema);

function fieldFor(name, schema, isRequired) {
  const choices = choicesOf(schema);
  if (choices !== undefined) return choiceField(name, schema, isRequired, choices);
  if (schema.type === "boolean") return booleanField(name, schema, isRequired);
  if (schema.type === "number" || schema.type === "integer") {
    const read = (input) => (input === "" ? undefined : Number(input));
    return textField(name, schema, isRequired, { inputmode: "decimal" }, read, (value) =>
      Number.isNaN(value) || (schema.type === "integer" && !Number.isInteger(value))
        ? `must be ${schema.type === "integer" ? "a whole number" : "a number"}`
        : "",
    );
  }
  if (schema.type === "string") {
    const type = { email: "email", date: "date", "date-time": "text" }[schema.format] ?? "text";
    const read = (input) => (input === "" && !isRequired ? undefined : input);
    const check = (value) => (value === "" && schema.minLength > 0 ? "must not be empty" : "");
    return textField(name, schema, isRequired, { type }, read, check);
  }
  return jsonField(
    name,
    schema,
    isRequired,
    schema.default === undefined ? "" : JSON.stringify(schema.default),
  );
}

function choicesOf({ enum: values, oneOf, const: only, enumNames }) {
  const titled =
    Array.isArray(oneOf) &&
    oneOf.every((one) => one !== null && typeof one === "object" && "const" in one);
  if (titled) return oneOf.slice(0, MAX_CHOICES).map((one) => [one.const, one.title ?? one.const]);
  if (Array.isArray(values))
    return values.slice(0, MAX_CHOICES).map((value, index) => [value, enumNames?.[index] ?? value]);
  return only === undefined ? undefined : [[only, only]];
}

/** The label, the input, what the schema says of it, and where a problem is told. */
function frame(name, schema, isRequired, input, kind = "") {
  const id = `field-${++lastId}`;
  input.id = id;
  const error = make("span", { class: "error", id: `${id}-error` });
  const hint = make("span", { class: "hint", id: `${id}-hint` }, plain(schema.description, 500));
  input.setAttribute("aria-describedby", `${id}-hint ${id}-error`);
  if (isRequired) input.setAttribute("aria-required", "true");
  const type = Array.isArray(schema.type) ? schema.type.join(" or ") : (schema.type ?? "any");
  const note = `${plain(schema.format ?? type, 30)}${isRequired ? "" : ", optional"}`;
  const label = make(
    "label",
    { for: id },
    plain(schema.title ?? name, 100),
    " ",
    make("span", { class: "type" }, note),
  );
  const parts = kind === "check" ? [input, label] : [label, input];
  const element = make("div", { class: `field ${kind}` }, ...parts, hint, error);
  const problem = ({ problem: sentence = "" }) => {
    error.textContent = sentence;
    input.setAttribute("aria-invalid", String(sentence !== ""));
    if (sentence !== "") input.focus();
    return sentence !== "";
  };
  return { element, problem };
}

function textField(name, schema, isRequired, attributes, read, check) {
  const isLong =
    schema.type === "string" && (schema.maxLength > 200 || schema.format === "textarea");
  const input = make(isLong ? "textarea" : "input", {
    type: isLong ? undefined : "text",
    autocomplete: "off",
    spellcheck: "false",
    ...(isLong ? {} : attributes),
  });
  if (schema.default !== undefined) input.value = String(schema.default);
  const value = () => {
    const given = read(input.value);
    if (given === undefined) return { value: undefined, problem: isRequired ? "is required" : "" };
    return { value: given, problem: check(given) };
  };
  return { ...frame(name, schema, isRequired, input), value };
}

function booleanField(name, schema, isRequired) {
  if (!isRequired && schema.default === undefined) {
    return choiceField(name, schema, false, [
      [true, "yes"],
      [false, "no"],
    ]);
  }
  const input = make("input", { type: "checkbox" });
  input.checked = schema.default === true;
  return {
    ...frame(name, schema, isRequired, input, "check"),
    value: () => ({ value: input.checked }),
  };
}

function choiceField(name, schema, isRequired, choices) {
  const options = choices.map(([, label], index) =>
    make("option", { value: String(index) }, plain(label, 100)),
  );
  const none = isRequired ? [] : [make("option", { value: "" }, "–")];
  const input = make("select", {}, ...none, ...options);
  const preset = choices.findIndex(([value]) => value === schema.default);
  if (preset !== -1) input.value = String(preset);
  const value = () => ({ value: input.value === "" ? undefined : choices[Number(input.value)][0] });
  return { ...frame(name, schema, isRequired, input), value };
}

function jsonField(name, schema, isRequired, preset) {
  const input = make("textarea", { spellcheck: "false", placeholder: "JSON" });
  input.value = block(preset);
  const value = () => {
    if (input.value.trim() === "")
      return { value: undefined, problem: isRequired ? "is required" : "" };
    try {
      return { value: JSON.parse(input.value) };
    } catch (error) {
      return { value: undefined, problem: `is no JSON: ${plain(error.message, 120)}` };
    }
  };
  return { ...frame(name, { type: "JSON", ...schema }, isRequired, input), value };
}
