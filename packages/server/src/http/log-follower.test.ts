import { createMemoryEventLog } from "@backplane/protocol";
import { describe, expect, it } from "vitest";
import type { AnswerText } from "../large-text.ts";
import type { SseEvent, SseStream } from "./exchange.ts";
import { SILENT_LOGGER } from "./legacy-servers.test-support.ts";
import { LogFollower } from "./log-follower.ts";
import { LoggedStream, MISSED_BEATS } from "./logged-stream.ts";

class RecordedStream implements SseStream {
  readonly events: SseEvent[] = [];
  queuedBytes = 0;
  closed = false;

  send(event: SseEvent): void {
    this.events.push(event);
  }

  finish(data: AnswerText): void {
    this.send({ data: String(data) });
    this.close();
  }

  close(): void {
    this.closed = true;
  }
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

async function follow() {
  const log = createMemoryEventLog();
  const first = await log.append("session/c1", '{"n":1}');
  const connection = new RecordedStream();
  const announced: string[] = [];
  const follower = new LogFollower({
    log,
    streamId: "session/c1",
    key: "c1",
    lastId: first,
    connection,
    maxQueuedBytes: 100,
    announce: (name) => announced.push(name),
  });
  return { log, connection, follower, announced };
}

describe("a follower", () => {
  it("announces itself, and sends what comes in its order until the end", async () => {
    const { log, connection, follower, announced } = await follow();
    follower.start();
    for (const n of [2, 3, 4]) {
      await log.append("session/c1", `{"n":${n}}`);
      follower.grew();
    }
    await log.end("session/c1");
    follower.grew();
    expect(await follower.done).toBe("ended");
    expect(connection.events.map(({ data }) => data)).toEqual(['{"n":2}', '{"n":3}', '{"n":4}']);
    expect(announced).toEqual([follower.name]);
  });

  it("finds at its next beat what the bus lost", async () => {
    const { log, connection, follower } = await follow();
    follower.start();
    await turn();
    await log.append("session/c1", '{"n":2}');
    await turn();
    expect(connection.events).toEqual([]);
    follower.beat();
    await turn();
    expect(connection.events).toHaveLength(1);
    follower.stop();
  });

  it("gives up on a writer that answers no more, and on no other", async () => {
    const { follower } = await follow();
    let outcome: string | undefined;
    void follower.done.then((settled) => {
      outcome = settled;
    });
    follower.start();
    for (let n = 0; n < MISSED_BEATS; n++) follower.beat();
    follower.grew();
    for (let n = 0; n < MISSED_BEATS; n++) follower.beat();
    await turn();
    expect(outcome).toBeUndefined();
    follower.beat();
    await turn();
    expect(outcome).toBe("lost");
  });

  it("is told when the log no longer has what follows", async () => {
    const { log, follower } = await follow();
    await log.delete(["session/c1"]);
    follower.start();
    expect(await follower.done).toBe("lost");
  });

  it("waits for a reader that is behind, and sends nothing once stopped", async () => {
    const { log, connection, follower } = await follow();
    for (const n of [2, 3]) await log.append("session/c1", `{"n":${n}}`);
    connection.queuedBytes = 51;
    follower.start();
    await turn();
    expect(connection.events).toEqual([]);
    connection.queuedBytes = 0;
    while (connection.events.length < 2) await turn();
    connection.queuedBytes = 51;
    await log.append("session/c1", '{"n":4}');
    follower.grew();
    await turn();
    follower.stop();
    connection.queuedBytes = 0;
    expect(await follower.done).toBe("stopped");
    for (let n = 0; n < 10; n++) await new Promise((resolve) => setTimeout(resolve, 5));
    expect(connection.events).toHaveLength(2);
  });
});

describe("a logged stream", () => {
  it("drops notifications that come faster than the log takes them, and nothing else", async () => {
    const log = createMemoryEventLog();
    const warnings: string[] = [];
    const stream = new LoggedStream("session", "c1", log, {
      logger: { ...SILENT_LOGGER, warn: (_fields, message) => warnings.push(message) },
      maxQueuedChars: 100,
      grew: () => {},
      ended: () => {},
    });
    for (let n = 0; n < 1_000; n++) stream.notify('{"some":"notification"}');
    stream.send('{"the":"response"}');
    await stream.end();
    const page = await log.read("session/c1", undefined);
    expect(page?.ended).toBe(true);
    expect(page?.events.length).toBeLessThan(10);
    expect(page?.events.at(-1)?.data).toBe('{"the":"response"}');
    expect(warnings).toHaveLength(1);
    stream.notify("late");
    expect(await log.read("session/c1", undefined)).toEqual(page);
  });
});
