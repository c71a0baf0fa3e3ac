import { rm } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import {
  type ResourceProviderSuiteContext,
  resourceProviderChaosSuite,
  resourceProviderSuite,
} from "@backplane/server/test-suite";
import { describe, expect, it } from "vitest";
import { FileResourceProvider } from "./file-provider.ts";
import { makeFolder } from "./folder.test-support.ts";

async function context(): Promise<ResourceProviderSuiteContext> {
  const folder = await makeFolder();
  const provider = new FileResourceProvider(folder.root);
  const uriOf = (name: string): string => pathToFileURL(join(folder.root, `${name}.txt`)).href;
  return {
    provider,
    uriOf,
    put: async (name, text) => {
      await folder.write(`${name}.txt`, text);
      return { uri: uriOf(name), text };
    },
    remove: (name) => rm(join(folder.root, `${name}.txt`)),
    close: () => folder.remove(),
  };
}

describe("FileResourceProvider", () => {
  resourceProviderSuite({ describe, it, expect }, () => context());

  resourceProviderChaosSuite({ describe, it, expect }, async (chaotic) => {
    const given = await context();
    return { ...given, provider: chaotic(given.provider) };
  });
});
