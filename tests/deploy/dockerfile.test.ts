import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { repository } from "../tooling/fixture.ts";
import { lint } from "./dockerfile.ts";

const text = readFileSync(join(repository, "deploy/docker/Dockerfile"), "utf8");

describe("the Dockerfile", () => {
  it("passes the linter", () => {
    expect(lint(text)).toEqual([]);
  });

  it.each([
    ["an instruction that is none", text.replace("EXPOSE", "EXPSE"), /EXPSE/],
    ["a port that is none", text.replace("EXPOSE 8080", "EXPOSE http"), /port|invalid/i],
    ["a second CMD", `${text}\nCMD ["node"]`, /CMD/],
  ])("would not pass it with %s", (_, planted, complaint) => {
    expect(lint(planted).join("\n")).toMatch(complaint);
  });

  it("asks for its health without curl, wget or a shell, and starts Node without one", () => {
    const forms = text.match(/^(?:CMD|HEALTHCHECK).*$/gm) ?? [];
    expect(forms).toHaveLength(2);
    for (const form of forms) expect(form).toMatch(/(?:^|\s)(?:CMD) \["node", "[^"]+"\]$/);
    expect(text.replace(/^#.*$/gm, "")).not.toMatch(/\b(?:curl|wget|sh)\b/);
  });

  it("names a user that is not root before it starts anything", () => {
    expect(text.indexOf("USER node")).toBeGreaterThan(text.lastIndexOf("COPY"));
    expect(text.indexOf("USER node")).toBeLessThan(text.lastIndexOf("CMD"));
  });
});
