import { readdirSync, readFileSync } from "node:fs";
import { join, sep } from "node:path";
import { isSensitiveName } from "@backplane/protocol";

const packages = join(import.meta.dirname, "../../../packages");

/** Every source file of the packages by its path below `packages`; tests and doubles apart. */
export function sources(): ReadonlyMap<string, string> {
  const files = readdirSync(packages, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && entry.name !== "testing")
    .flatMap(({ name }) =>
      readdirSync(join(packages, name, "src"), { recursive: true, encoding: "utf8" }).map((file) =>
        join(name, "src", file),
      ),
    )
    .filter((file) => file.endsWith(".ts") && !/[.-]test|test-suite|harness|\.test-d/.test(file))
    .map(
      (file) => [file.split(sep).join("/"), readFileSync(join(packages, file), "utf8")] as const,
    );
  return new Map(files);
}

/** A text, or something that holds one. */
const HOLDS_TEXT =
  /(?<!Set<)\bstring\b(?!\[)|Secret|Uint8Array|CryptoKey|JWK|Record\b|APIKeys|TokenInput/;

/** Members of types that hold a credential by their name and type, as `file member`. */
export function credentialMembers(): readonly string[] {
  const found = [...sources()].flatMap(([file, text]) =>
    [...text.matchAll(/^ {2}readonly (\w+)\??: ([^=\n]+);$/gm)].flatMap(
      ([, name = "", type = ""]) =>
        isSensitiveName(name) && HOLDS_TEXT.test(type) ? [`${file} ${name}`] : [],
    ),
  );
  return [...new Set(found)].sort();
}

const OPENS_CONNECTIONS =
  /^(?!import type).*(?:from|import\()\s*"(?:undici|node:(?:https?|net|tls|dns)(?:\/promises)?)"|(?<!typeof )globalThis\.fetch\b|\bawait fetch\(|\bnew WebSocket\(|\bnew EventSource\(/m;

/** Files that can open a connection: they import what does, or call `fetch`. */
export function connectingFiles(): readonly string[] {
  return [...sources()].flatMap(([file, text]) => {
    const lines = text.split("\n").filter((line) => !/^\s*(?:\*|\/\/|import type)/.test(line));
    return lines.some((line) => OPENS_CONNECTIONS.test(line)) ? [file] : [];
  });
}
