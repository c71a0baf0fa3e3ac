import { afterAll, beforeAll, describe, it } from "vitest";
import { type Attack, eras } from "./attacks/attack.ts";
import { credentialAttacks } from "./attacks/credentials.ts";
import { tokenAttacks } from "./attacks/forged-tokens.ts";
import { keySetAttacks } from "./attacks/key-sets.ts";
import { limitAttacks } from "./attacks/limits.ts";
import { permissionAttacks } from "./attacks/permissions.ts";
import { theftAttacks } from "./attacks/theft.ts";
import { wireAttacks } from "./attacks/wire.ts";
import { startWorld, stopWorld, type World } from "./attacks/world.ts";

declare module "vitest" {
  interface TaskMeta {
    /** What the security report prints of an attack. */
    attack?: { readonly group: string; readonly name: string; readonly era: string; seen?: string };
  }
}

/** Every attack, as data: `npm run security-report` prints the table. */
const attacks: readonly Attack[] = [
  ...credentialAttacks,
  ...tokenAttacks,
  ...keySetAttacks,
  ...permissionAttacks,
  ...theftAttacks,
  ...wireAttacks,
  ...limitAttacks,
];

let world: World;
beforeAll(async () => {
  world = await startWorld();
});
afterAll(() => stopWorld(world));

describe.each(eras)("attacks at $name", (era) => {
  const made = attacks.filter(({ only }) => only === undefined || only === era.name);

  it.for(made)("$group: $name", async ({ group, name, run }, { task }) => {
    const attack: NonNullable<typeof task.meta.attack> = { group, name, era: era.name };
    task.meta.attack = attack;
    attack.seen = await run(world, era);
  });
});
