import { join, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

// Tests run against the sources: the `@backplane/source` condition wins over `dist`.
const conditions = ["@backplane/source"];

const root = fileURLToPath(new URL(".", import.meta.url));
const project = relative(root, process.cwd()).split(sep).join("-") || "root";

// scripts/run.mjs names the folder in which each project leaves its counts.
const results = process.env["BACKPLANE_RESULTS"];

// `*.full.test.ts` files (packed installs, soak, fresh clones) run in `npm run test:full` only.
const slow = process.env["BACKPLANE_TIER"] === "full" ? [] : ["**/*.full.test.ts"];

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions, externalConditions: conditions } },
  test: {
    include: ["src/**/*.test.ts"],
    exclude: ["**/node_modules/**", "**/dist/**", ...slow],
    globalSetup: [join(root, "scripts/vitest-global-setup.mjs")],
    // Without this a stylesheet is an empty text, also where it is imported as one (`?raw`).
    css: true,
    testTimeout: 15_000,
    hookTimeout: 30_000,
    reporters: results
      ? ["default", ["json", { outputFile: join(results, `${project}.json`) }]]
      : ["default"],
  },
});
