import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { parse } from "yaml";
import { repository } from "../tooling/fixture.ts";

export const folder: string = join(repository, "deploy/kubernetes");

/** One object of the Kubernetes API, as a manifest has it. */
export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string };
  // biome-ignore lint/suspicious/noExplicitAny: manifests are looked into by path
  readonly [member: string]: any;
}

/** The manifests by file name; the kustomization apart, which is no object of the API. */
export function readManifests(): ReadonlyMap<string, Manifest> {
  const files = readdirSync(folder).filter((file) => file.endsWith(".yaml"));
  return new Map(
    files
      .filter((file) => file !== "kustomization.yaml")
      .map((file) => [file, parse(readFileSync(join(folder, file), "utf8")) as Manifest]),
  );
}

/** The module that holds the schema of a kind. */
function moduleOf({ apiVersion, kind }: Manifest): string {
  return `kubernetes-models/${apiVersion}/${kind}`;
}

/** What the JSON schema of its kind says is wrong; undefined when nothing is. */
export async function schemaComplaint(manifest: Manifest): Promise<string | undefined> {
  const module = createRequire(import.meta.url)(moduleOf(manifest)) as Record<
    string,
    new (
      data: object,
    ) => { validate(): void }
  >;
  const Model = module[manifest.kind];
  if (Model === undefined) return `${manifest.kind} is no kind of ${manifest.apiVersion}`;
  try {
    new Model(manifest).validate();
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

/**
 * What the types say: members that a kind does not have, which the schemas let pass and the API server drops
 * or refuses. All manifests in one run of the compiler.
 */
export function typeComplaints(manifests: ReadonlyMap<string, Manifest>): string {
  const generated = join(repository, "tests/.cache/manifests");
  rmSync(generated, { recursive: true, force: true });
  mkdirSync(generated, { recursive: true });
  for (const [file, manifest] of manifests) {
    const type = `I${manifest.kind}`;
    writeFileSync(
      join(generated, file.replace(/yaml$/, "ts")),
      `import type { ${type} } from "${moduleOf(manifest)}";\nexport const manifest: ${type} = ${JSON.stringify(manifest)};\n`,
    );
  }
  const compilerOptions = {
    noEmit: true,
    strict: true,
    module: "NodeNext",
    types: [],
    skipLibCheck: true,
  };
  writeFileSync(
    join(generated, "tsconfig.json"),
    JSON.stringify({ compilerOptions, include: ["*.ts"] }),
  );
  const compiler = join(repository, "node_modules/typescript/bin/tsc");
  try {
    execFileSync(process.execPath, [compiler, "-p", generated], { encoding: "utf8" });
    return "";
  } catch (error) {
    return (error as { stdout: string }).stdout;
  }
}
