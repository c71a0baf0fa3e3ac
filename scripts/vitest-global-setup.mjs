import { assertNodeFloor, nodeMajor } from "./lib/node-version.mjs";

/**
 * Runs once before the tests of each project: the Node under test is the one that was asked for.
 * Without this, a `node` that shadows another on PATH would leave the floor, or a column of the
 * Node matrix, untested while everything stays green.
 */
export default function setup() {
  assertNodeFloor(process.version);
  const expected = process.env.BACKPLANE_NODE_MAJOR;
  if (expected !== undefined && expected !== nodeMajor(process.version)) {
    throw new Error(`Expected to run on Node ${expected}, but this is Node ${process.version}.`);
  }
  console.log(`node ${process.version}`);
}
