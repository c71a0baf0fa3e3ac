export {
  createLoopbackInteraction,
  type LoopbackInteractionOptions,
} from "./node/loopback-interaction.ts";
