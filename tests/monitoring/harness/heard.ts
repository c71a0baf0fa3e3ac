import { CHANNELS, type ChannelEvents } from "@backplane/protocol";
import { onTestFinished } from "vitest";

/** What is told on a channel until the test ends. */
export function heard<Name extends keyof ChannelEvents>(name: Name): ChannelEvents[Name][] {
  const events: ChannelEvents[Name][] = [];
  const hear = (message: unknown): void => void events.push(message as ChannelEvents[Name]);
  CHANNELS[name].subscribe(hear);
  onTestFinished(() => void CHANNELS[name].unsubscribe(hear));
  return events;
}
