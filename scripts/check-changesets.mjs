// Reads .changeset as the release would: the configuration, every changeset, the packages that
// they name. `changeset status` also wants a changeset for each uncommitted change.

import getReleasePlan from "@changesets/get-release-plan";
import { root } from "./lib/workspace.mjs";

try {
  const { changesets, releases } = await getReleasePlan(root);
  for (const { name, newVersion } of releases) console.log(`${name} ${newVersion}`);
  console.log(`${changesets.length} changesets read`);
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
}
