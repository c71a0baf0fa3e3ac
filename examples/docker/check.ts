import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { DockerfileParser } from "dockerfile-ast";
import { validate } from "dockerfile-utils";
import { parse } from "yaml";
import { callTool, withServer } from "../check/server-process.ts";

const sources = fileURLToPath(new URL("../../docker/", import.meta.url));
const dockerfile = readFileSync(join(sources, "Dockerfile"), "utf8");
const compose = parse(readFileSync(join(sources, "docker-compose.yml"), "utf8")) as {
  services: Record<string, { environment: string[]; healthcheck: { test: string[] } }>;
};
assert.deepEqual(validate(dockerfile), [], "the linter has nothing to say");

// The folder that the steps of the last stage make, without a container engine.
const image = mkdtempSync(join(tmpdir(), "backplane-docker-"));
const env: Record<string, string> = {};
let command: string[] = [];
let healthCheck: string[] = [];
/** What `npm ci` and `npm run build` leave in the first stage. */
const built: Readonly<Record<string, (to: string) => void>> = {
  "/app/package.json": (to) => writeFileSync(to, '{ "type": "module" }'),
  "/app/node_modules": (to) => symlinkSync(join(sources, "../node_modules"), to),
  "/app/dist": (to) => {
    mkdirSync(to);
    copyFileSync(fileURLToPath(new URL("server.js", import.meta.url)), join(to, "server.js"));
  },
  "/app/health-check.mjs": (to) => copyFileSync(join(sources, "health-check.mjs"), to),
};
const instructions = DockerfileParser.parse(dockerfile).getInstructions();
const lastStage = instructions.findLastIndex((each) => each.getKeyword() === "FROM");
for (const instruction of instructions.slice(lastStage)) {
  const args = instruction.getArguments().map((argument) => argument.getValue());
  const text = instruction.getRawArgumentsContent() ?? "";
  switch (instruction.getKeyword()) {
    case "ENV":
      for (const pair of args) env[pair.split("=")[0] as string] = pair.split("=")[1] as string;
      break;
    case "COPY": {
      const [from = "", to = ""] = args;
      const name = to === "./" ? from.slice("/app/".length) : to;
      const make = built[from];
      assert.ok(make, `the first stage leaves no ${from}`);
      make(join(image, name));
      break;
    }
    case "CMD":
      command = JSON.parse(text) as string[];
      break;
    case "HEALTHCHECK":
      healthCheck = JSON.parse(text.slice(text.indexOf("["))) as string[];
      break;
  }
}
const service = compose.services["mcp-server"];
assert.ok(service);
assert.deepEqual(service.healthcheck.test, ["CMD", ...healthCheck]);
for (const pair of service.environment) {
  env[pair.slice(0, pair.indexOf("="))] = pair.slice(pair.indexOf("=") + 1);
}
// Nobody balances here, so nobody has to see /ready fail first.
env["DRAIN_DELAY_MS"] = "0";

try {
  const [node, main = "", ...rest] = command;
  assert.deepEqual([node, rest], ["node", []]);
  let port = "";
  const health = (): number | null => {
    const [program, script = ""] = healthCheck;
    assert.equal(program, "node");
    const options = { cwd: image, env: { ...process.env, PORT: port } };
    return spawnSync(process.execPath, [script], options).status;
  };
  await withServer(pathToFileURL(join(image, main)), env, async ({ url }) => {
    port = new URL(url).port;
    const local = `http://127.0.0.1:${port}/mcp`;
    const weather = await callTool(local, "get_weather", { location: "Oslo" });
    assert.deepEqual(weather.structuredContent, {
      location: "Oslo",
      temperature: 22,
      condition: "sunny",
    });
    assert.equal(health(), 0);
  });
  assert.equal(health(), 1, "a server that has stopped is not healthy");
} finally {
  rmSync(image, { recursive: true });
}
