import { execFileSync } from "node:child_process";
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";

const packages = join(import.meta.dirname, "../../packages");

const program = `
import { bearerToken, oauth } from "@backplane/auth/client";
const request = { method: "POST", url: "https://mcp.example/mcp" };
console.log(JSON.stringify(await bearerToken("t").headers(request)));
const auth = oauth({ clientId: "c" });
const refusal = { status: 401, headers: {}, url: request.url, sent: {} };
console.log(JSON.stringify(await auth.onChallenge(refusal).catch(({ code, message }) => ({ code, message }))));
`;

it("names the official SDK when a flow needs it and it is not installed", () => {
  const root = mkdtempSync(join(realpathSync(tmpdir()), "backplane-without-sdk-"));
  onTestFinished(() => rmSync(root, { recursive: true, force: true }));
  const modules = join(root, "node_modules");
  mkdirSync(join(modules, "@backplane"), { recursive: true });
  const auth = join(packages, "auth");
  for (const part of ["dist", "package.json"]) {
    cpSync(join(auth, part), join(modules, "@backplane/auth", part), { recursive: true });
  }
  symlinkSync(join(packages, "protocol"), join(modules, "@backplane/protocol"));
  for (const name of ["jose", "undici"]) {
    symlinkSync(realpathSync(join(auth, "node_modules", name)), join(modules, name));
  }
  writeFileSync(join(root, "main.mjs"), program);
  const output = execFileSync(process.execPath, [join(root, "main.mjs")], { encoding: "utf8" });
  const [bearer = "", failure = ""] = output.split("\n");
  expect(JSON.parse(bearer)).toEqual({ authorization: "Bearer t" });
  expect(JSON.parse(failure)).toEqual({
    code: "dependency_missing",
    message: expect.stringContaining("npm install @modelcontextprotocol/client"),
  });
});
