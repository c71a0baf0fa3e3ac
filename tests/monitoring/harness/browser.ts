import { existsSync } from "node:fs";
import { type Browser, chromium } from "playwright-core";

const PATH = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].find(
  (path) => existsSync(path),
);

/**
 * Whether there is a browser. Without one the tests that need it are left out, which is said; in CI they must not be.
 */
export function browserIsThere(what: string): boolean {
  if (PATH !== undefined) return true;
  if (process.env["CI"] === "true") throw new Error(`${what}: scripts/services.sh brings chromium`);
  console.warn(`NOT TESTED: ${what}. There is no chromium; scripts/services.sh brings it.`);
  return false;
}

/** A browser with nothing in it, that asks nobody but the pages it is sent to. */
export function startBrowser(): Promise<Browser> {
  return chromium.launch({
    executablePath: PATH as string,
    args: [
      // Its sandbox does not work for root, who containers and CI often are.
      ...(process.getuid?.() === 0 ? ["--no-sandbox"] : []),
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
      "--no-first-run",
      "--disable-gpu",
    ],
  });
}
