import { ToolExecutionError } from "@backplane/protocol";
import { describe, expect, it, onTestFinished } from "vitest";
import { z } from "zod";
import { MCPTestClient } from "../index.ts";
import { matchers } from "../vitest.ts";
import { weatherServer } from "../weather-server.test-support.ts";

expect.extend(matchers);

const client = new MCPTestClient(weatherServer, { protocol: "modern" });
const weather = () => client.callTool("get_weather", { arguments: { location: "Oslo" } });

/** A planted violation: what the matcher says when it fails. */
async function saysOf(check: () => unknown): Promise<string> {
  try {
    await check();
  } catch (error) {
    return (error as Error).message;
  }
  throw new Error("the matcher let a violation pass");
}

describe("toSucceed", () => {
  it("takes a result, and its value", async () => {
    const result = await weather();
    expect(result).toSucceed();
    expect(result).toSucceed({
      location: "Oslo",
      temperature: expect.any(Number),
      condition: "sunny",
    });
    expect(await client.callTool("whoami")).toSucceed("nobody");
    expect(result).not.toSucceed({ location: "Bergen" });
    expect(await client.callTool("fail")).not.toSucceed();
  });

  it("says what went wrong", async () => {
    const failed = await client.callTool("fail");
    expect(await saysOf(() => expect(failed).toSucceed())).toContain("the station is down");
    const result = await weather();
    expect(await saysOf(() => expect(result).toSucceed("rain"))).toContain("sunny");
    expect(await saysOf(() => expect(result).not.toSucceed())).toContain("not to succeed");
    expect(await saysOf(() => expect("text").toSucceed())).toContain("result of callTool");
  });
});

describe("toFailWith", () => {
  it("takes a result with isError, and thrown errors", async () => {
    const failed = await client.callTool("fail");
    expect(failed).toFailWith();
    expect(failed).toFailWith(-2001);
    expect(failed).toFailWith({
      code: -2001,
      message: /station/g,
      retryAfterMs: 500,
      data: { station: expect.any(Number) },
    });
    await expect(client.call("fail")).rejects.toFailWith({ code: -2001, message: /down/ });
    await expect(client.call("no_such_tool")).rejects.toFailWith(-32602);
    await expect(client.callTool("wait", { timeoutMs: 10 })).rejects.toFailWith("timeout");
    expect(await weather()).not.toFailWith();
    expect(failed).not.toFailWith(-1001);
  });

  it("says what went wrong", async () => {
    const error = new ToolExecutionError(-2001, "down");
    expect(await saysOf(() => expect(error).toFailWith(-1001))).toMatch(/code -1001, not -2001/);
    expect(await saysOf(() => expect(error).not.toFailWith(-2001))).toContain("no such failure");
    const result = await weather();
    expect(await saysOf(() => expect(result).toFailWith())).toContain("the tool succeeded");
    expect(await saysOf(() => expect(7).toFailWith())).toContain("result of callTool");
  });
});

describe("toHaveStructuredContent and toHaveText", () => {
  it("take members and texts", async () => {
    const result = await weather();
    expect(result).toHaveStructuredContent({ location: "Oslo" });
    expect(result).toHaveStructuredContent({ temperature: expect.any(Number) });
    expect(result).not.toHaveStructuredContent({ location: "Bergen" });
    expect(result).not.toHaveStructuredContent({ wind: undefined, location: "Bergen" });
    expect(result).toHaveText(/Oslo/);
    expect(await client.callTool("whoami")).toHaveText("nobody");
    expect(await client.callTool("whoami")).not.toHaveText("nob");
  });

  it("say what went wrong", async () => {
    const [result, plain] = [await weather(), await client.callTool("whoami")];
    const structured = () => expect(result).toHaveStructuredContent({ location: "Bergen" });
    expect(await saysOf(structured)).toContain("Oslo");
    const none = () => expect(plain).toHaveStructuredContent({ a: 1 });
    expect(await saysOf(none)).toContain("has only");
    expect(await saysOf(() => expect(plain).toHaveText("somebody"))).toContain("nobody");
  });
});

describe("toFitSchema", () => {
  const schema = z.object({ location: z.string(), temperature: z.number() });
  it("takes a Standard Schema and JSON Schema, at once or later", async () => {
    const { structuredContent } = await weather();
    await expect(structuredContent).toFitSchema(schema);
    await expect(structuredContent).toFitSchema({ type: "object", required: ["location"] });
    await expect(structuredContent).not.toFitSchema({ type: "string" });
    await expect(5).toFitSchema(z.number().refine(async (value) => value === 5));
  });

  it("says what does not fit", async () => {
    const says = await saysOf(() => expect({ location: 5 }).toFitSchema(schema));
    expect(says).toContain("location");
    expect(says).toContain("temperature");
    const later = z.number().refine(async () => false, "is never right");
    expect(await saysOf(() => expect(5).toFitSchema(later))).toContain("is never right");
  });
});

describe("toHaveReceivedNotification and toHaveProgressed", () => {
  it("read the traffic of a test client", async () => {
    const own = new MCPTestClient(weatherServer, { protocol: "legacy" });
    onTestFinished(() => own.disconnect());
    await own.connect();
    expect(own).not.toHaveProgressed();
    await own.call("count", { onProgress: () => undefined });
    expect(own).toHaveProgressed();
    expect(own).toHaveProgressed([1, { progress: 2, total: 3 }, 3]);
    expect(own).not.toHaveProgressed([1, 2]);
    expect(own).toHaveReceivedNotification("notifications/progress", { progress: 2 });
    expect(own).not.toHaveReceivedNotification("notifications/progress", { progress: 9 });
    expect(own).not.toHaveReceivedNotification("notifications/message");
    // Two requests with reports of their own.
    await own.call("count", { onProgress: () => undefined });
    expect(own).toHaveProgressed([1, 2, 3, 1, 2, 3]);
  });

  it("take a list of reports", () => {
    expect([{ progress: 1 }, { progress: 2, message: "half" }]).toHaveProgressed([
      1,
      { message: expect.stringContaining("ha") },
    ]);
  });

  it("say what went wrong", async () => {
    const standing = [{ progress: 2 }, { progress: 2 }];
    expect(await saysOf(() => expect(standing).toHaveProgressed())).toContain("must grow");
    expect(await saysOf(() => expect([]).toHaveProgressed())).toContain("with onProgress");
    expect(await saysOf(() => expect([{ progress: 1 }]).toHaveProgressed([2]))).toContain("got");
    const none = () => expect(client).toHaveReceivedNotification("notifications/message");
    expect(await saysOf(none)).toContain("notifications/message");
    expect(await saysOf(() => expect({}).toHaveProgressed())).toContain("an MCPTestClient or");
  });
});
