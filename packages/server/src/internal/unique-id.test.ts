import { expect, it } from "vitest";
import { uniqueId } from "./unique-id.ts";

it("makes UUIDs of version 8, each once, that share what is random with few", () => {
  const ids = Array.from({ length: 2_000 }, uniqueId);
  expect(new Set(ids).size).toBe(ids.length);
  for (const id of ids)
    expect(id).toMatch(/^[\da-f]{8}-[\da-f]{4}-8[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/);
  const random = new Set(ids.map((id) => id.slice(0, -2)));
  expect(random.size).toBeGreaterThanOrEqual(7);
  expect(random.size).toBeLessThanOrEqual(9);
});
