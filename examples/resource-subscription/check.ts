import assert from "node:assert/strict";
import { mkdtemp, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { withServer } from "../check/server-process.ts";
import { followConfig } from "./client.ts";

const data = await realpath(await mkdtemp(join(tmpdir(), "resource-subscription-")));
const config = join(data, "config.json");
const uri = pathToFileURL(config).href;
const wanted = '{"units":"imperial"}';
try {
  await writeFile(config, '{"units":"metric"}');
  await withServer(new URL("server.js", import.meta.url), { DATA_DIR: data }, async ({ url }) => {
    const told = await followConfig(url, uri, wanted, () => writeFile(config, wanted));
    assert.ok(told.length > 0);
    assert.equal(told[0], `Resource ${uri} updated`);
  });
} finally {
  await rm(data, { recursive: true });
}
