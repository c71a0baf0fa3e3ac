// The process under test: does one kind of work as often as it is told, and says how long each took.
import { WorkflowBuilder } from "../../packages/workflow/dist/index.js";

const NODES = 1_000;
const SLEEP_MS = 300;

const sleep = () => new Promise((resolve) => setTimeout(resolve, SLEEP_MS, 1));
const increment = async ({ x }) => x + 1;

async function chain() {
  const builder = new WorkflowBuilder({ name: "chain" }).addNode("n0", increment, {
    inputs: { x: 0 },
  });
  for (let index = 1; index < NODES; index += 1) {
    builder
      .addNode(`n${index}`, increment)
      .connect({ from: `n${index - 1}.result`, to: `n${index}.x` });
  }
  const workflow = await builder.output("sum", `n${NODES - 1}.result`).build();
  return async () => (await workflow.run()).outputs.sum;
}

async function parallel() {
  const builder = new WorkflowBuilder({ name: "parallel", concurrency: NODES });
  for (let index = 0; index < NODES; index += 1) {
    builder.addNode(`n${index}`, increment, { inputs: { x: index } });
  }
  const workflow = await builder.build();
  return async () => Object.keys((await workflow.run()).outputs).length;
}

async function threeSleeps() {
  const builder = new WorkflowBuilder({ name: "sleeps" });
  for (const id of ["a", "b", "c"]) builder.addNode(id, sleep);
  const workflow = await builder.build();
  return async () => Object.keys((await workflow.run()).outputs).length;
}

/** Each with the answer that it must give. */
const work = {
  "bare-chain": [
    NODES,
    () => async () => {
      let x = 0;
      for (let index = 0; index < NODES; index += 1) x = await increment({ x });
      return x;
    },
  ],
  "bare-parallel": [
    NODES,
    () => async () => {
      const inputs = Array.from({ length: NODES }, (_, x) => ({ x }));
      return (await Promise.all(inputs.map(increment))).length;
    },
  ],
  "bare-sleeps": [3, () => async () => (await Promise.all([sleep(), sleep(), sleep()])).length],
  chain: [NODES, chain],
  parallel: [NODES, parallel],
  sleeps: [3, threeSleeps],
};

const [expected, prepare] = work[process.env.WORK];
const run = await prepare();

process.on("message", async ({ times }) => {
  const startedAt = performance.now();
  for (let time = 0; time < times; time += 1) {
    const answer = await run();
    if (answer !== expected) throw new Error(`the answer is ${answer}, not ${expected}`);
  }
  process.send({ milliseconds: (performance.now() - startedAt) / times });
});
process.send("ready");
