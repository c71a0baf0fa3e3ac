import { type Browser, chromium } from "playwright-core";

/** A browser with nothing in it, that asks nobody but the pages it is sent to. Its tests have the tag `chromium`. */
export function startBrowser(): Promise<Browser> {
  return chromium.launch({
    executablePath: process.env["BACKPLANE_CHROMIUM"] ?? "",
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
