import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { MCPClient } from "@backplane/client";
import { Deployment, type IDeployment } from "kubernetes-models/apps/v1/Deployment";
import { parse } from "yaml";
import { withServer } from "../check/server-process.ts";

const file = fileURLToPath(new URL("../../kubernetes/deployment.yaml", import.meta.url));
const manifest = parse(readFileSync(file, "utf8")) as IDeployment;
// Throws with the path of what the schema of Kubernetes does not allow.
new Deployment(manifest).validate();

const pod = manifest.spec?.template.spec;
const container = pod?.containers[0];
assert.ok(container?.livenessProbe?.httpGet && container.readinessProbe?.httpGet);

/** What the kubelet puts into the environment: plain values, and the name of the pod. */
const podName = "mcp-server-7d4b9c-x2x7p";
const env = Object.fromEntries(
  (container.env ?? []).map(({ name, value, valueFrom }) => {
    if (valueFrom !== undefined) assert.equal(valueFrom.fieldRef?.fieldPath, "metadata.name");
    return [name, value ?? podName];
  }),
);

// All of a stop fits into the time before SIGKILL.
const drainMs = Number(env["DRAIN_DELAY_MS"]) + 10_000 + 5_000;
const preStopMs = (container.lifecycle?.preStop?.sleep?.seconds ?? 0) * 1_000;
const graceMs = (pod?.terminationGracePeriodSeconds ?? 30) * 1_000;
assert.ok(graceMs > preStopMs + drainMs, "the grace period is longer than the drain");

// The server of the image, which is called by an address here, and drains in less time.
const here = { ALLOWED_HOSTS: `${env["ALLOWED_HOSTS"]},127.0.0.1`, DRAIN_DELAY_MS: "1500" };
const server = new URL("../docker/server.js", import.meta.url);
await withServer(server, { ...env, ...here }, async ({ url, terminate }) => {
  const probe = async (path = ""): Promise<number> => (await fetch(new URL(path, url))).status;
  const live = (): Promise<number> => probe(container.livenessProbe?.httpGet?.path);
  const ready = (): Promise<number> => probe(container.readinessProbe?.httpGet?.path);

  const client = new MCPClient({ url });
  await client.connect();
  assert.equal(client.server?.info?.name, podName);
  assert.deepEqual([await live(), await ready()], [200, 200]);

  terminate();
  // The signal arrives when it arrives. From then on no traffic is wanted, and what comes is served.
  while ((await ready()) === 200);
  assert.equal(await ready(), 503);
  assert.equal(await live(), 200, "a pod that drains is not restarted");
  assert.deepEqual(await client.call("get_weather", { location: "Oslo" }), {
    location: "Oslo",
    temperature: 22,
    condition: "sunny",
  });
  await client.close();
});
