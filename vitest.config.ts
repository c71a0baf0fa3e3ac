import { join, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";
import { REMEDY, services } from "./scripts/lib/services.mjs";

// Tests run against the sources: the `@backplane/source` condition wins over `dist`.
const conditions = ["@backplane/source"];

const root = fileURLToPath(new URL(".", import.meta.url));
const project = relative(root, process.cwd()).split(sep).join("-") || "root";

// scripts/run.mjs names the folder in which each project leaves its counts.
const results = process.env["BACKPLANE_RESULTS"];

// `*.full.test.ts` files (packed installs, soak, fresh clones) run in `npm run test:full` only.
const slow = process.env["BACKPLANE_TIER"] === "full" ? [] : ["**/*.full.test.ts"];

// Redis, PostgreSQL and programs beyond Node: tests that need one say so by a tag.
const { needs, env } = await services();

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions, externalConditions: conditions } },
  test: {
    include: ["src/**/*.test.ts"],
    exclude: ["**/node_modules/**", "**/dist/**", ...slow],
    globalSetup: [join(root, "scripts/vitest-global-setup.mjs")],
    // Without this a stylesheet is an empty text, also where it is imported as one (`?raw`).
    css: true,
    env,
    tags: needs.map(({ name, isThere }) => ({
      name,
      description: `needs ${name} (${REMEDY})`,
      ...(!isThere && { skip: true }),
    })),
    testTimeout: 15_000,
    hookTimeout: 30_000,
    reporters: results
      ? ["default", ["json", { outputFile: join(results, `${project}.json`) }]]
      : ["default"],
  },
});
