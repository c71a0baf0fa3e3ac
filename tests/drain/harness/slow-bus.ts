import { createMemoryEventBus, type EventBus } from "@backplane/protocol";

/** A bus whose subscriptions wait until the test lets them through. */
export function slowBus(): {
  readonly bus: EventBus;
  /** Resolves once somebody waits for a subscription. */
  readonly subscribing: Promise<void>;
  readonly openSubscription: () => void;
} {
  const memory = createMemoryEventBus();
  let openSubscription: () => void = () => {};
  let announce: () => void = () => {};
  const opened = new Promise<void>((resolve) => {
    openSubscription = resolve;
  });
  const subscribing = new Promise<void>((resolve) => {
    announce = resolve;
  });
  const bus: EventBus = {
    publish: (topic, message) => memory.publish(topic, message),
    close: () => memory.close(),
    async subscribe(topic, listener) {
      announce();
      await opened;
      return memory.subscribe(topic, listener);
    },
  };
  return { bus, subscribing, openSubscription };
}
