import type { InputContext, MCPServer } from "@backplane/server";
import { z } from "zod";
import { WRITES_CALENDAR } from "../access/policy.ts";
import type { BookingRequest } from "../calendar/booking-plan.ts";
import { canAsk } from "../can-ask.ts";
import { invalidInput } from "../errors.ts";
import { formatConflicts } from "../format.ts";
import type { Services } from "../services.ts";

// Bounds and formats are checked by the bookings themselves, for asked and for given values alike.
const Request = z.object({
  title: z.string(),
  date: z.string(),
  startTime: z.string(),
  durationMinutes: z.number(),
});

const Input = Request.partial()
  .extend({ timeZone: z.string().max(100).optional() })
  .describe("Everything but the time zone is asked for when it is left out");

const Output = z.object({
  booked: z.boolean(),
  reason: z.string().optional().describe("Why nothing was booked"),
  uid: z.string().optional(),
  title: z.string().optional(),
  start: z.string().optional(),
  end: z.string().optional(),
  timeZone: z.string().optional(),
});

/** The form's fields, in the order in which people are asked for them. */
const FIELDS = {
  title: { type: "string", title: "Title", minLength: 1, maxLength: 200 },
  date: { type: "string", title: "Date", format: "date" },
  startTime: { type: "string", title: "Start", description: "HH:MM, 24 hours" },
  durationMinutes: {
    type: "integer",
    title: "Minutes",
    minimum: 1,
    maximum: 1_440,
    default: 30,
  },
} as const;

type FieldName = keyof typeof FIELDS;

/**
 * Asks for what is missing, then for a confirmation, then books. Written once for both eras: in the
 * modern one it runs again from the top for each answer, so nothing is written before the last ask.
 */
export function registerBookEvent(server: MCPServer, { bookings }: Services): void {
  server.tool(
    "book_event",
    {
      title: "Book an event",
      description:
        "Books an event in the calendar. Asks the user for what is missing and for a confirmation; " +
        "a client that cannot ask must give everything.",
      input: Input,
      output: Output,
      annotations: { readOnlyHint: false, destructiveHint: false, idempotentHint: false },
      tags: [WRITES_CALENDAR],
    },
    async (given, context) => {
      const request = await complete(given, context);
      if (request === undefined)
        return { booked: false, reason: "The user did not give the details." };
      const plan = bookings.plan(request);
      const conflicts = await bookings.conflicts(plan);
      if (canAsk(context)) {
        const taken = formatConflicts(conflicts);
        // Another key when there are conflicts: a confirmation given before they appeared does not count.
        const answer = await context.elicit(conflicts.length > 0 ? "overlap" : "confirm", {
          message: `${taken}Book “${plan.title}” from ${plan.start} to ${plan.end} (${plan.timeZone})?`,
          schema: z.object({ confirm: z.boolean().meta({ title: "Book it" }) }),
        });
        if (answer.action !== "accept" || answer.content?.confirm !== true) {
          return { booked: false, reason: "The user did not confirm." };
        }
      }
      const allowConflicts = canAsk(context) && conflicts.length > 0;
      return { booked: true, ...(await bookings.bookEvent(request, { allowConflicts })) };
    },
  );
}

/** The request with the user's answers in it; undefined when the user does not want to give them. */
async function complete(
  given: z.output<typeof Input>,
  context: InputContext,
): Promise<BookingRequest | undefined> {
  const missing = (Object.keys(FIELDS) as FieldName[]).filter((name) => given[name] === undefined);
  if (missing.length === 0) return merge(given, {});
  if (!canAsk(context)) {
    const names = missing.join(", ");
    throw invalidInput(
      missing[0] as FieldName,
      undefined,
      `Missing: ${names}. This client cannot ask the user; give them as arguments.`,
    );
  }
  const answer = await context.elicit("details", {
    message: "What should be booked?",
    schema: {
      type: "object",
      properties: Object.fromEntries(missing.map((name) => [name, FIELDS[name]])),
      required: missing,
    },
  });
  return answer.action === "accept" ? merge(given, answer.content ?? {}) : undefined;
}

function merge(
  given: z.output<typeof Input>,
  answers: Readonly<Record<string, unknown>>,
): BookingRequest {
  return { ...Request.parse({ ...answers, ...definedOf(given) }), timeZone: given.timeZone };
}

function definedOf(given: object): Record<string, unknown> {
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
}
