import { inspect } from "node:util";
import { Secret } from "@backplane/protocol";
import { describe, expect, it } from "vitest";
import { bearerToken } from "./bearer-token.ts";
import { failure } from "./harness/client.test-support.ts";
import { send, startWorld } from "./harness/world.test-support.ts";

const at = (url: string) => ({ method: "POST", url });

describe("bearerToken", () => {
  it("goes with every request to its origin, and to no other", async () => {
    const world = await startWorld();
    world.as.issued.set("the-token", { scope: "", resource: null, clientId: "" });
    const auth = bearerToken(new Secret("the-token"));
    expect(await send(auth, world.mcpUrl)).toBe(200);
    expect(await send(auth, world.mcpUrl)).toBe(200);
    for (const url of [
      "https://evil.example/mcp",
      world.mcpUrl.replace("127.0.0.1", "localhost"),
    ]) {
      const error = await failure(auth.headers(at(url)));
      expect(error.code).toBe("origin_mismatch");
      expect(error.message).not.toContain("the-token");
    }
    expect(inspect(auth, { depth: 9, showHidden: true })).not.toContain("the-token");
  });

  it("goes to the origins that were named, from the first request on", async () => {
    const auth = bearerToken("t", { origins: ["https://a.example", "https://b.example"] });
    for (const url of ["https://b.example/x", "https://a.example/"]) {
      expect(await auth.headers(at(url))).toEqual({ authorization: "Bearer t" });
    }
    expect((await failure(auth.headers(at("https://c.example/")))).code).toBe("origin_mismatch");
  });

  it("from a function is asked for again when it was refused", async () => {
    const world = await startWorld();
    const tokens = ["old", "new"];
    world.as.issued.set("new", { scope: "", resource: null, clientId: "" });
    let current = 0;
    const auth = bearerToken(async () => tokens[current] as string);
    current = 0;
    const sent = await auth.headers(at(world.mcpUrl));
    current = 1;
    const refusal = { status: 401, headers: {}, url: world.mcpUrl, sent };
    expect(await auth.onChallenge(refusal)).toBe("retry");
    expect(await send(auth, world.mcpUrl)).toBe(200);
    const again = { ...refusal, sent: await auth.headers(at(world.mcpUrl)) };
    expect(await auth.onChallenge(again)).toBe("fail");
  });

  it("that is constant is not tried twice", async () => {
    const world = await startWorld();
    expect(await send(bearerToken("wrong"), world.mcpUrl)).toBe(401);
    expect(world.mcp.count("/mcp")).toBe(1);
  });

  it.each(["", "Bearer x", "a\nb", "ü"])("%j is no token", async (token) => {
    expect(() => bearerToken(token)).toThrow(TypeError);
    await expect(bearerToken(() => token).headers(at("https://a.example"))).rejects.toThrow(
      TypeError,
    );
  });

  it.each(["https://a.example/", "a.example", "https://a.example/x"])(
    "%j is no origin",
    (origin) => {
      expect(() => bearerToken("t", { origins: [origin] })).toThrow(/origins/);
    },
  );
});
