// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the placeholders are the configuration's own
import { describe, expect, it } from "vitest";
import { readConfig } from "./config.ts";

const read = (servers: unknown, variables = {}) =>
  readConfig({ mcpServers: servers } as never, variables);

describe("an mcpServers configuration", () => {
  it("names local servers and servers over HTTP", () => {
    const entries = read({
      files: { command: "npx", args: ["-y", "files"], env: { A: "1" }, cwd: "/srv" },
      plain: { type: "stdio", command: "plain" },
      web: { url: "https://a.example/mcp", headers: { "x-key": "k" } },
      old: { type: "sse", url: "https://a.example/sse" },
      new: { type: "streamable-http", url: "https://a.example/mcp" },
    });
    expect(Object.fromEntries(entries)).toEqual({
      files: {
        target: { stdio: { command: "npx", args: ["-y", "files"], env: { A: "1" }, cwd: "/srv" } },
        headers: {},
        sse: false,
      },
      plain: {
        target: { stdio: { command: "plain", args: [], env: {} } },
        headers: {},
        sse: false,
      },
      web: { target: { url: "https://a.example/mcp" }, headers: { "x-key": "k" }, sse: false },
      old: { target: { url: "https://a.example/sse" }, headers: {}, sse: true },
      new: { target: { url: "https://a.example/mcp" }, headers: {}, sse: false },
    });
  });

  it("takes variables in every string, from nowhere but what it is given", () => {
    const variables = { HOME: "/home/ada", TOKEN: "secret", EMPTY: "" };
    const entries = read(
      {
        "${HOME}": {
          command: "${HOME}/bin/x",
          args: ["--root=${HOME}", "${MODE:-fast}", "$HOME", "${EMPTY:-x}"],
          env: { TOKEN: "${TOKEN}${TOKEN}" },
          cwd: "${HOME}",
        },
        web: { url: "https://${HOST:-a.example}/", headers: { authorization: "Bearer ${TOKEN}" } },
      },
      variables,
    );
    // A server's name is a name.
    expect(entries.get("${HOME}")?.target).toEqual({
      stdio: {
        command: "/home/ada/bin/x",
        args: ["--root=/home/ada", "fast", "$HOME", ""],
        env: { TOKEN: "secretsecret" },
        cwd: "/home/ada",
      },
    });
    expect(entries.get("web")).toMatchObject({
      target: { url: "https://a.example/" },
      headers: { authorization: "Bearer secret" },
    });
  });

  it("does not expand what a variable holds", () => {
    const variables = { A: "${B}", B: "secret" };
    const entry = read({ x: { command: "${A}" } }, variables).get("x");
    expect(entry?.target.stdio?.command).toBe("${B}");
  });

  it.each([
    [{ x: { command: "${PATH}" } }, '["x"].command needs the variable PATH'],
    [{ x: { url: "https://a/", headers: { k: "a ${toString}" } } }, "needs the variable toString"],
    [{ x: { command: "a", args: ["b", "${C}"] } }, '["x"].args[1] needs the variable C'],
  ])("names the variable that is missing: %j", (servers, says) => {
    expect(() => read(servers)).toThrow(TypeError);
    expect(() => read(servers)).toThrow(says);
  });

  it.each<[unknown, string]>([
    [undefined, "mcpServers"],
    [[], "mcpServers"],
    [{ "": { command: "a" } }, "name that is not empty"],
    [{ x: "npx" }, '["x"]'],
    [{ x: {} }, 'either "command"'],
    [{ x: { command: "a", url: "https://a/" } }, 'either "command"'],
    [{ x: { command: "a", arguments: [] } }, 'unknown option "arguments"'],
    [{ x: { command: "a", headers: {} } }, 'unknown option "headers"'],
    [{ x: { url: "https://a/", env: {} } }, 'unknown option "env"'],
    [{ x: { command: 1 } }, '["x"].command must be a string'],
    [{ x: { command: "a", args: "b" } }, '["x"].args must be'],
    [{ x: { command: "a", args: [1] } }, '["x"].args[0] must be'],
    [{ x: { command: "a", env: { B: 1 } } }, '["x"].env.B must be'],
    [{ x: { command: "a", env: [] } }, '["x"].env must be'],
    [{ x: { command: "a", cwd: 1 } }, '["x"].cwd must be'],
    [{ x: { command: "a", type: "http" } }, '["x"].type must be'],
    [{ x: { url: "https://a/", type: "stdio" } }, '["x"].type must be'],
    [{ x: { url: "https://a/", type: "websocket" } }, '["x"].type must be'],
  ])("that is wrong is refused by name: %j", (servers, says) => {
    expect(() => read(servers)).toThrow(TypeError);
    expect(() => read(servers)).toThrow(says);
  });

  it("has no other part", () => {
    expect(() => readConfig({ mcpServers: {}, inputs: [] } as never, {})).toThrow("inputs");
    expect(() => readConfig(null as never, {})).toThrow(TypeError);
  });
});
