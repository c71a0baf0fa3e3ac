import { CHANNELS, type ChannelEvents } from "@backplane/protocol";

/** The channels of servers: their payloads carry a `serverId`. */
export type ServerChannel = {
  [Name in keyof ChannelEvents]: ChannelEvents[Name] extends {
    readonly serverId: string | undefined;
  }
    ? Name
    : never;
}[keyof ChannelEvents];

/**
 * Hears what one server tells on a channel, which carries the events of the whole process, and what concerns
 * every server.
 * @param listener must not throw.
 * @returns what ends it.
 */
export function observe<Name extends ServerChannel>(
  name: Name,
  serverId: string,
  listener: (event: ChannelEvents[Name]) => void,
): () => void {
  const hear = (message: unknown): void => {
    const event = message as ChannelEvents[Name];
    if (event.serverId === serverId || event.serverId === undefined) listener(event);
  };
  CHANNELS[name].subscribe(hear);
  return () => void CHANNELS[name].unsubscribe(hear);
}
