import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import {
  folder,
  type Manifest,
  readManifests,
  schemaComplaint,
  typeComplaints,
} from "./manifests.ts";

const manifests = readManifests();
const of = (kind: string): Manifest => {
  const found = [...manifests.values()].find((manifest) => manifest.kind === kind);
  if (found === undefined) throw new Error(`no ${kind}`);
  return found;
};

/** `drainTimeoutMs` of the server, and what closes after it (`onStop`). */
const DRAIN_TIMEOUT_S = 10;
const CLOSERS_S = 5;

describe("the Kubernetes manifests", () => {
  it.each([...manifests])("%s fits the schema of its kind", async (_, manifest) => {
    expect(await schemaComplaint(manifest)).toBe(undefined);
  });

  it("hold no member that their kinds do not have", () => {
    expect(typeComplaints(manifests)).toBe("");
  }, 60_000);

  it("would fail with a wrong type and with a misspelt member", async () => {
    const deployment = structuredClone(of("Deployment"));
    deployment.spec.template.spec.containers[0].ports[0].containerPort = "8080";
    expect(await schemaComplaint(deployment)).toMatch(/containerPort/);
    const misspelt = structuredClone(of("Deployment"));
    misspelt.spec.template.spec.containers[0].readinesProbe = {};
    expect(typeComplaints(new Map([["planted.yaml", misspelt]]))).toMatch(/readinesProbe/);
  }, 60_000);

  it("are all listed in the kustomization", () => {
    const { resources } = parse(readFileSync(join(folder, "kustomization.yaml"), "utf8"));
    const others = readdirSync(folder).filter(
      (file) => file.endsWith(".yaml") && file !== "kustomization.yaml",
    );
    expect(resources).toEqual(others.sort());
  });

  it("select the pods of the deployment, by their labels and their port", () => {
    const { template, selector } = of("Deployment").spec;
    const { labels } = template.metadata;
    expect(selector.matchLabels).toEqual(labels);
    expect(of("Service").spec.selector).toEqual(labels);
    expect(of("PodDisruptionBudget").spec.selector.matchLabels).toEqual(labels);
    expect(of("NetworkPolicy").spec.podSelector.matchLabels).toEqual(labels);
    const [container] = template.spec.containers;
    const [port] = container.ports;
    expect(of("Service").spec.ports[0].targetPort).toBe(port.name);
    expect(String(port.containerPort)).toBe(of("ConfigMap").data.PORT);
    expect(of("NetworkPolicy").spec.ingress[0].ports[0].port).toBe(port.containerPort);
    expect(of("HorizontalPodAutoscaler").spec.scaleTargetRef.name).toBe(
      of("Deployment").metadata.name,
    );
    expect(container.envFrom[0].configMapRef.name).toBe(of("ConfigMap").metadata.name);
  });

  it("leave a pod as long as its server may drain", () => {
    const { spec } = of("Deployment").spec.template;
    const preStop = spec.containers[0].lifecycle.preStop.sleep.seconds;
    const delay = Number(of("ConfigMap").data.DRAIN_DELAY_MS) / 1000;
    const longest = preStop + delay + DRAIN_TIMEOUT_S + CLOSERS_S;
    expect(spec.terminationGracePeriodSeconds).toBeGreaterThan(longest);
  });

  it("probe liveness and readiness where the server answers them, and let nothing be written", () => {
    const [container] = of("Deployment").spec.template.spec.containers;
    expect(container.livenessProbe.httpGet.path).toBe("/health");
    expect(container.readinessProbe.httpGet.path).toBe("/ready");
    expect(container.securityContext.readOnlyRootFilesystem).toBe(true);
    expect(of("Deployment").spec.template.spec.securityContext.runAsNonRoot).toBe(true);
  });

  it("keep no secret", () => {
    expect([...manifests.values()].map(({ kind }) => kind)).not.toContain("Secret");
    const { envFrom } = of("Deployment").spec.template.spec.containers[0];
    expect(envFrom[1].secretRef.name).toBe("backplane-reference");
  });
});
