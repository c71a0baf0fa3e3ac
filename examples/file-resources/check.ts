import assert from "node:assert/strict";
import { mkdir, mkdtemp, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { MCPClient } from "@backplane/client";
import { withServer } from "../check/server-process.ts";

const base = await realpath(await mkdtemp(join(tmpdir(), "file-resources-")));
const data = join(base, "data");
try {
  await mkdir(join(data, "reports"), { recursive: true });
  await writeFile(join(base, "secret.txt"), "secret");
  await writeFile(join(data, "config.json"), '{"units":"metric"}');
  await writeFile(join(data, "reports", "2026 März.csv"), "day,rain\n1,0\n");
  await writeFile(join(data, ".env"), "KEY=secret");
  await writeFile(join(data, "large.bin"), Buffer.alloc(1024 * 1024 + 1));
  await withServer(new URL("server.js", import.meta.url), { DATA_DIR: data }, async ({ url }) => {
    const root = pathToFileURL(data).href;
    const client = new MCPClient({ url });
    await client.connect();
    const listed = await client.listResources();
    assert.deepEqual(
      listed.map(({ uri, mimeType, size }) => [uri, mimeType, size]),
      [
        [`${root}/config.json`, "application/json", 18],
        [`${root}/large.bin`, "application/octet-stream", 1_048_577],
        [`${root}/reports/2026%20M%C3%A4rz.csv`, "text/csv", 13],
      ],
    );
    const { contents } = await client.readResource(`${root}/reports/2026%20M%C3%A4rz.csv`);
    assert.match(JSON.stringify(contents), /day,rain/);
    const outside = [`${root}/../secret.txt`, `${root}/%2e%2e/secret.txt`, `${root}/.env`];
    for (const uri of outside) {
      await assert.rejects(client.readResource(uri), { code: -32602 });
    }
    await assert.rejects(client.readResource(`${root}/large.bin`), { code: -1413 });
    await client.close();
  });
} finally {
  await rm(base, { recursive: true });
}
