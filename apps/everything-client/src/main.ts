import { argv, env, stderr } from "node:process";
import { readAssignment } from "./assignment.ts";
import { play } from "./run.ts";

try {
  await play(readAssignment(argv.slice(2), env));
} catch (error) {
  stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`);
  process.exitCode = 1;
}
