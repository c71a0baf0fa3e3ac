import fc, { type Arbitrary } from "fast-check";

/** A day that every calendar library knows. */
const instant = fc.date({
  min: new Date("1970-01-01T00:00:00Z"),
  max: new Date("2099-12-31T23:59:59Z"),
  noInvalidDate: true,
});
const word = fc.stringMatching(/^[a-z][a-z0-9]{0,9}$/);
const host = fc
  .tuple(word, fc.constantFrom("com", "org", "example"))
  .map((parts) => parts.join("."));

const FORMATS: Readonly<Record<string, Arbitrary<string>>> = {
  "date-time": instant.map((date) => date.toISOString()),
  date: instant.map((date) => date.toISOString().slice(0, 10)),
  time: instant.map((date) => date.toISOString().slice(11)),
  duration: fc.tuple(fc.nat(99), fc.nat(59)).map(([hours, minutes]) => `PT${hours}H${minutes}M`),
  // Plain ones: what a schema library's own pattern refuses is no find.
  email: fc.tuple(word, host).map((parts) => parts.join("@")),
  hostname: host,
  ipv4: fc.ipV4(),
  ipv6: fc.ipV6(),
  uri: fc.tuple(host, word).map(([name, path]) => `https://${name}/${path}`),
  "uri-reference": word.map((path) => `/${path}`),
  uuid: fc.uuid({ version: 4 }),
};

/** Texts of a format; undefined for one that is not known. */
export function formatOf(format: string): Arbitrary<string> | undefined {
  return Object.hasOwn(FORMATS, format) ? FORMATS[format] : undefined;
}
