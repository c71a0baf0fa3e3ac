import { FunctionNode, WorkflowBuilder } from "@backplane/workflow";

const workflow = new WorkflowBuilder({ name: "packed" });
workflow.addNode("double", new FunctionNode({ run: ({ n }) => ({ twice: n * 2 }) }));
workflow.input("n", { to: "double.n" });
workflow.output("twice", "double.result.twice");
const { outputs } = await workflow.run({ n: 21 });
if (outputs["twice"] !== 42) throw new Error(`twice is ${outputs["twice"]}`);
