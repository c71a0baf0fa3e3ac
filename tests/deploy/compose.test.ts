import { execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { apiKeysFromEnvironment } from "@backplane/auth";
import { parseKeyRing } from "@backplane/server";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { repository } from "../tooling/fixture.ts";

const deploy = join(repository, "deploy");
const compose = parse(readFileSync(join(deploy, "compose.yml"), "utf8"), { merge: true });
const services = Object.entries<Record<string, never>>(compose.services);
const servers = services
  .filter(([name]) => name.startsWith("server-"))
  .map(([, service]) => service);

describe("compose.yml", () => {
  it("waits only for services that are there and tell of their health", () => {
    for (const [name, service] of services) {
      for (const [other, { condition }] of Object.entries<{ condition: string }>(
        service["depends_on"] ?? {},
      )) {
        expect(condition, name).toBe("service_healthy");
        const { healthcheck, build } = compose.services[other];
        // The image of the server brings its own health check.
        expect(healthcheck ?? build, `${name} waits for ${other}`).toBeDefined();
      }
    }
  });

  it("mounts only files and volumes that are there", () => {
    for (const [name, service] of services) {
      for (const volume of (service["volumes"] ?? []) as string[]) {
        const [source] = volume.split(":") as [string];
        const isThere = source.startsWith("./")
          ? existsSync(join(deploy, source))
          : source in compose.volumes;
        expect(isThere, `${name}: ${source}`).toBe(true);
      }
      for (const secret of (service["secrets"] ?? []) as string[]) {
        expect(compose.secrets, name).toHaveProperty(secret);
      }
    }
  });

  it("runs two replicas that nginx and Prometheus know, without privileges, longer than a drain", () => {
    const upstream = readFileSync(join(deploy, "nginx/upstream.conf"), "utf8");
    const { scrape_configs } = parse(
      readFileSync(join(deploy, "prometheus/prometheus.yml"), "utf8"),
    );
    const names = services.map(([name]) => name).filter((name) => name.startsWith("server-"));
    expect(names).toHaveLength(2);
    // Once for everything, once for the dashboard.
    expect([...upstream.matchAll(/server (server-\d):8080;/g)].map(([, name]) => name)).toEqual([
      ...names,
      ...names,
    ]);
    expect(scrape_configs[0].static_configs[0].targets).toEqual(
      names.map((name) => `${name}:8080`),
    );
    for (const server of servers) {
      expect(server).toMatchObject({ read_only: true, cap_drop: ["ALL"] });
      expect(Number.parseInt(server["stop_grace_period"] ?? "", 10)).toBeGreaterThan(20);
    }
  });

  it("lets nobody but the replicas reach Redis and the database", () => {
    const onData = services.filter(([, { networks }]) =>
      String(networks).split(",").includes("data"),
    );
    const names = onData.map(([name]) => name).filter((name) => !name.startsWith("server-"));
    expect(names.sort()).toEqual(["postgres", "redis"]);
    expect(compose.networks.data).toEqual({ internal: true });
    for (const name of names) expect(compose.services[name].networks).toEqual(["data"]);
  });

  it("takes no secret into the image", () => {
    const ignored = readFileSync(join(repository, ".dockerignore"), "utf8").split("\n");
    expect(ignored).toContain("deploy/secrets");
  });

  it("believes the network of nginx, and no other, when it says who called", () => {
    const { subnet } = compose.networks.front.ipam.config[0];
    for (const server of servers) {
      expect(server).toMatchObject({ environment: { TRUST_PROXY: subnet } });
    }
    expect(compose.services.nginx.networks).toEqual(["front"]);
  });

  it("publishes on loopback only", () => {
    for (const [name, service] of services) {
      for (const port of (service["ports"] ?? []) as string[]) {
        expect(port, name).toMatch(/^127\.0\.0\.1:/);
      }
    }
  });
});

describe("secrets.sh", () => {
  it("makes keys that the server takes, once, for nobody else to read", {
    tags: ["coreutils"],
  }, () => {
    const root = mkdtempSync(join(tmpdir(), "backplane-secrets-"));
    cpSync(join(deploy, "secrets.sh"), join(root, "secrets.sh"));
    const run = (): string => {
      execFileSync("sh", [join(root, "secrets.sh")]);
      return readFileSync(join(root, "secrets/server.env"), "utf8");
    };
    const text = run();
    const entries = text
      .trim()
      .split("\n")
      .map((line) => /^(\w+)='?(.*?)'?$/.exec(line) ?? []);
    const env = Object.fromEntries(entries.map(([, name, value]) => [name, value]));
    const keys = apiKeysFromEnvironment("API_KEYS", env);
    expect(Object.keys(keys)).toEqual(["operator", "metrics"]);
    const metrics = readFileSync(join(root, "secrets/metrics-key"), "utf8");
    expect(keys["metrics"]).toMatchObject({ key: metrics });
    expect(() => parseKeyRing(env["REQUEST_STATE_KEYS"])).not.toThrow();
    expect(statSync(join(root, "secrets/server.env")).mode & 0o077).toBe(0);
    expect(run()).toBe(text);
    rmSync(root, { recursive: true });
  });
});
