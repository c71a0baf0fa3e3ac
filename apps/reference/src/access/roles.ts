import type { Principal } from "@backplane/protocol";

/** May do everything, the dashboard and the details of health included. */
export const OPERATOR = "operator";
/** May read `/metrics`, and nothing else: for what scrapes it. */
export const METRICS = "metrics";
/** Beside the role `operator`, what allows to write into the calendar. */
export const CALENDAR_WRITE = "calendar:write";

export function isOperator({ roles }: Principal): boolean {
  return roles.includes(OPERATOR);
}
