/** @throws {TypeError} when it names nothing: every token would be one for this server. */
export function checkedAudience(subject: string, given: unknown): readonly string[] {
  const audience = Array.isArray(given) ? given : [given];
  if (audience.length > 0 && audience.every((one) => typeof one === "string" && one !== "")) {
    return audience;
  }
  throw new TypeError(
    `${subject}: option "audience" is required: the URI by which tokens name this server, such as "https://mcp.example/mcp"`,
  );
}
