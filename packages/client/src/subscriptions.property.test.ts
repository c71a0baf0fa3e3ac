import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { MCPClientError } from "./errors.ts";
import type { ChangeEvent, ListenFilter, Listening } from "./subscription-types.ts";
import {
  asksFor,
  type Heard,
  type HubRig,
  hear,
  hubRig,
  quiet,
} from "./subscriptions.test-support.ts";

interface Member {
  readonly filter: ListenFilter;
  readonly heard: Heard;
  listening: Listening | undefined;
  refused: boolean;
}

const URIS = ["x:/a", "x:/b", "y:/c"];
const BAD = "bad:/";

const filter = fc
  .record({
    toolsListChanged: fc.boolean(),
    promptsListChanged: fc.boolean(),
    resourceSubscriptions: fc.subarray([...URIS, BAD]),
  })
  .filter(
    ({ toolsListChanged, promptsListChanged, resourceSubscriptions }) =>
      toolsListChanged || promptsListChanged || resourceSubscriptions.length > 0,
  );

const EVENTS: readonly ChangeEvent[] = [
  { kind: "tools" },
  { kind: "prompts" },
  ...URIS.map((uri): ChangeEvent => ({ kind: "resource", uri })),
];

const step = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant("join" as const), filter }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("leave" as const), pick: fc.nat() }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("change" as const), pick: fc.nat() }) },
  fc.record({ do: fc.constantFrom("kill", "drain", "replace", "down", "up", "deaf") }),
  fc.record({ do: fc.constant("time" as const), ms: fc.nat({ max: 3_000 }) }),
  fc.record({ do: fc.constant("turns" as const) }),
);

type Step = typeof step extends fc.Arbitrary<infer Value> ? Value : never;

function heal(rig: HubRig): void {
  rig.server.refuseConnection = undefined;
  rig.server.onListen = (wanted) =>
    wanted.resourceSubscriptions?.includes(BAD) === true
      ? { code: -32602, message: "bad URI" }
      : wanted;
}

function perform(act: Step, rig: HubRig, members: Member[]): Promise<void> | void {
  switch (act.do) {
    case "join": {
      const member: Member = {
        filter: act.filter,
        heard: hear(),
        listening: undefined,
        refused: false,
      };
      members.push(member);
      rig.hub.listen(act.filter, member.heard).then(
        (listening) => {
          member.listening = listening;
        },
        () => {
          member.refused = true;
        },
      );
      return;
    }
    case "leave":
      void members[act.pick % (members.length || 1)]?.listening?.close();
      return;
    case "change":
      rig.ends.at(-1)?.change(EVENTS[act.pick % EVENTS.length] as ChangeEvent);
      return;
    case "kill":
      return rig.ends.at(-1)?.kill();
    case "drain":
      rig.ends.at(-1)?.drain();
      return;
    case "replace":
      return rig.replaceLink();
    case "down":
      rig.server.refuseConnection = new MCPClientError("connection_failed", "down");
      return;
    case "deaf":
      rig.server.onListen = () => undefined;
      return;
    case "up":
      heal(rig);
      return;
    case "time":
      rig.clock.advance(act.ms);
      return;
    default:
      return quiet();
  }
}

const open = (members: readonly Member[]) =>
  members.filter(({ listening }) => listening !== undefined && listening.state === "open");

function honours({ listening }: Member, event: ChangeEvent): boolean {
  return asksFor(listening?.honoured ?? {}, event);
}

describe.each(["modern", "legacy"] as const)("a hub of the %s era", (era) => {
  it("settles on what its members want, whatever happened before", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
        const rig = hubRig({
          era,
          onSubscribe: (uri) => (uri === BAD ? { code: -32602, message: "bad URI" } : undefined),
        });
        heal(rig);
        const members: Member[] = [];
        for (const act of steps) await perform(act, rig, members);
        heal(rig);
        await rig.patience(120_000);
        // A listening that was replaced is noticed with the next request of any kind.
        await rig.hub.listen({ toolsListChanged: true }, hear()).then((last) => last.close());
        await rig.patience(120_000);

        for (const { listening, refused } of members) {
          expect(listening === undefined).toBe(refused);
          expect(["open", "closed"]).toContain(listening?.state ?? "closed");
        }
        const ends = rig.ends.filter((end) => end.open);
        const asked = ends.flatMap(({ listening, subscribed }) => [
          ...listening.values(),
          ...(subscribed.size > 0 ? [{ resourceSubscriptions: [...subscribed] }] : []),
        ]);
        // One stream, and on it just what somebody wants.
        expect(asked.length).toBeLessThanOrEqual(1);
        const wanted = open(members);
        for (const event of EVENTS) {
          const somebody = wanted.some((member) => honours(member, event));
          const served = asked.some((one) => asksFor(one, event));
          if (era === "modern" || event.kind === "resource") expect(served).toBe(somebody);
        }

        // Each change reaches each of them once.
        const before = members.map(({ heard }) => heard.events.length);
        for (const event of EVENTS) for (const end of ends) end.change(event);
        await quiet();
        members.forEach((member, index) => {
          const heard = member.heard.events.slice(before[index]);
          const expected = wanted.includes(member)
            ? EVENTS.filter((event) => honours(member, event))
            : [];
          expect(heard).toEqual(expected);
        });

        // And a loss, everything once more.
        const streams = wanted.length > 0 ? 1 : 0;
        const told = members.map(({ heard }) => heard.events.length);
        await Promise.all(ends.map((end) => end.kill()));
        await rig.patience(120_000);
        expect(rig.ends.filter((end) => end.open)).toHaveLength(streams);
        members.forEach((member, index) => {
          const heard = new Set(
            member.heard.events.slice(told[index]).map((one) => JSON.stringify(one)),
          );
          const expected = wanted.includes(member)
            ? EVENTS.filter((event) => honours(member, event))
            : [];
          expect(heard).toEqual(new Set(expected.map((one) => JSON.stringify(one))));
        });

        await rig.hub.close();
        await quiet();
        expect(rig.clock.pendingTimers).toBe(0);
        expect(rig.ends.flatMap(({ listening }) => [...listening])).toEqual([]);
      }),
      { numRuns: 60 },
    );
  });
});
