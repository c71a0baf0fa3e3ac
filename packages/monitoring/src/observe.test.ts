import { CHANNELS, type DegradedEvent } from "@backplane/protocol";
import { expect, it } from "vitest";
import { observe } from "./observe.ts";

it("hears one server, and what concerns every server, until it is ended", () => {
  const event = (serverId: string | undefined): DegradedEvent => ({
    serverId,
    part: "cache",
    degraded: true,
  });
  const heard: (string | undefined)[] = [];
  const end = observe("degraded", "a", ({ serverId }) => {
    heard.push(serverId);
  });
  for (const serverId of ["a", "b", undefined]) CHANNELS.degraded.publish(event(serverId));
  end();
  CHANNELS.degraded.publish(event("a"));
  expect(heard).toEqual(["a", undefined]);
  expect(CHANNELS.degraded.hasSubscribers).toBe(false);
});
