import { createFakeClock } from "./fake-clock.ts";
import { type PassTime, type SuiteContext, type SuiteRunner, using } from "./runner.ts";

/** A test of one suite: `pass` lets the time pass that the subject knows. */
export type TimedTest<Subject> = (
  name: string,
  body: (subject: Subject, pass: PassTime) => Promise<void>,
) => unknown;

/**
 * Tests of what has a clock: each makes its own subject and closes it.
 * @param passTime for subjects whose time cannot be moved; by default the fake clock is.
 */
export function timedTests<Subject extends { close(): Promise<void> }>(
  { it }: SuiteRunner,
  make: (context: SuiteContext) => Subject | Promise<Subject>,
  passTime: PassTime | undefined,
): TimedTest<Subject> {
  return (name, body) =>
    it(name, () => {
      const clock = createFakeClock();
      const pass: PassTime = passTime ?? (async (ms) => clock.advance(ms));
      return using(
        () => make({ clock }),
        (subject) => body(subject, pass),
      );
    });
}
