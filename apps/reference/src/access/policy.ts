import { policy } from "@backplane/auth";
import type { Authorizer } from "@backplane/protocol";
import { CALENDAR_WRITE, isOperator } from "./roles.ts";

/** On tools that write into the calendar. */
export const WRITES_CALENDAR = "writes-calendar";
/** On tools that are there to be tried out by whoever runs the server. */
export const FOR_OPERATORS = "for-operators";

/** One decision for what a caller sees in a list and what it may call: what is hidden is unknown to it. */
export function createPolicy(): Authorizer {
  return policy({
    rules: [
      {
        tags: [WRITES_CALENDAR],
        when: (principal) => isOperator(principal) || principal.scopes.includes(CALENDAR_WRITE),
      },
      { tags: [FOR_OPERATORS], when: isOperator },
    ],
  });
}
