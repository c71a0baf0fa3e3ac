import type { MessageTransport, MessageTransportHandlers } from "@backplane/protocol";
import type { Recorder } from "./recorder.ts";

/** The client's end of a connection, every message of which is recorded. */
export function recordedTransport(inner: MessageTransport, recorder: Recorder): MessageTransport {
  return {
    start(handlers: MessageTransportHandlers): void {
      inner.start({
        onMessage: (text) => {
          recorder.record("received", text);
          handlers.onMessage(text);
        },
        onOversized: () => handlers.onOversized?.(),
        onClose: () => handlers.onClose(),
      });
    },
    send(text: string): void {
      recorder.record("sent", text);
      inner.send(text);
    },
    close: () => inner.close(),
  };
}
