import {
  ConditionalNode,
  type RunJournal,
  type Workflow,
  WorkflowBuilder,
  type WorkflowToolOptions,
  workflowAsTool,
} from "@backplane/workflow";
import { z } from "zod";

const Confirm = z.object({ sure: z.boolean() });

/** What books seats: a system of its own, which is not asked twice for the same thing. */
export interface Seats {
  hold(party: number): Promise<string>;
  release(hold: string): Promise<void>;
  book(hold: string): Promise<string>;
}

/** Holds seats, asks the user, and books or lets go. */
export function createBookingWorkflow(seats: Seats): Promise<Workflow> {
  return new WorkflowBuilder({ name: "book_seats", description: "Books seats, after a question" })
    .addNode("hold", ({ party }) => seats.hold(party))
    .addNode("confirm", async ({ hold }, context) => {
      const answer = await context.elicit("sure", {
        message: `Book ${hold}?`,
        schema: Confirm,
      });
      return answer.action === "accept" && answer.content?.sure === true;
    })
    .addNode("decide", new ConditionalNode({ choose: ({ sure }) => sure }))
    .addNode("book", ({ hold }) => seats.book(hold), { after: ["decide.true"] })
    .addNode("release", ({ hold }) => seats.release(hold), { after: ["decide.false"] })
    .input("party", { to: "hold.party", schema: z.int().min(1).max(8) })
    .connect({ from: "hold.result", to: "confirm.hold" })
    .connect({ from: "confirm.result", to: "decide.sure" })
    .connect({ from: "hold.result", to: "book.hold" })
    .connect({ from: "hold.result", to: "release.hold" })
    .output("booking", "book.result")
    .build();
}

/** The workflow as a tool: what was done before the question is not done again after it. */
export function bookingTool(workflow: Workflow, journal: RunJournal) {
  const options: WorkflowToolOptions = { journal, annotations: { destructiveHint: true } };
  return workflowAsTool(workflow, options);
}
