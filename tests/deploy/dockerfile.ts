import { execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { basename, join } from "node:path";
import { DockerfileParser } from "dockerfile-ast";
import { validate } from "dockerfile-utils";

/** What the linter has to say, a line each. */
export function lint(text: string): string[] {
  return validate(text).map(({ message, range }) => `line ${range.start.line + 1}: ${message}`);
}

/** An image that the steps of a Dockerfile made, in a folder that stands for its root. */
export interface Image {
  readonly root: string;
  readonly env: Record<string, string>;
  /** In the image, as `/app`. */
  workdir: string;
  user: string | undefined;
  command: readonly string[];
  healthCheck: readonly string[];
  stopSignal: string;
}

/**
 * Performs the steps of a Dockerfile in folders below `scratch`, without a container engine: absolute paths of COPY
 * and WORKDIR are below the stage's folder, RUN steps stand in the working directory and have to use relative ones.
 * What a base image brings is the machine's.
 * @throws {Error} for an instruction that it does not know, and for a step that fails.
 */
export function perform(text: string, context: string, scratch: string): Image {
  const stages = new Map<string, Image>();
  let image: Image | undefined;
  for (const instruction of DockerfileParser.parse(text).getInstructions()) {
    const keyword = instruction.getKeyword();
    const args = instruction.getArguments().map((argument) => argument.getValue());
    const rest = instruction.getRawArgumentsContent() ?? "";
    if (keyword === "ARG") continue;
    if (keyword === "FROM") {
      const name = args[1]?.toUpperCase() === "AS" ? (args[2] as string) : `stage-${stages.size}`;
      image = begin(join(scratch, name));
      stages.set(name, image);
      continue;
    }
    if (image === undefined) throw new Error(`${keyword} stands before FROM`);
    const from = /^COPY\s+--from=(\S+)/.exec(instruction.toString())?.[1];
    const sources = from === undefined ? context : stages.get(from)?.root;
    if (sources === undefined) throw new Error(`COPY --from=${from}: no such stage`);
    step(image, keyword, args, rest, sources);
  }
  if (image === undefined) throw new Error("the Dockerfile has no FROM");
  return image;
}

function begin(root: string): Image {
  mkdirSync(root, { recursive: true });
  return {
    root,
    env: {},
    workdir: "/",
    user: undefined,
    command: [],
    healthCheck: [],
    stopSignal: "SIGTERM",
  };
}

function step(
  image: Image,
  keyword: string,
  args: readonly string[],
  rest: string,
  sources: string,
): void {
  switch (keyword) {
    case "WORKDIR":
      image.workdir = args[0] as string;
      mkdirSync(inside(image, "."), { recursive: true });
      return;
    case "ENV":
      for (const pair of args) {
        const at = pair.indexOf("=");
        image.env[pair.slice(0, at)] = pair.slice(at + 1);
      }
      return;
    case "COPY":
      copy(join(sources, args[0] as string), args[1] as string, image);
      return;
    case "RUN":
      execFileSync("sh", ["-ec", rest], {
        cwd: inside(image, "."),
        env: { ...process.env, ...image.env },
        stdio: ["ignore", "ignore", "pipe"],
      });
      return;
    case "USER":
      image.user = args[0] as string;
      return;
    case "CMD":
      image.command = JSON.parse(rest) as string[];
      return;
    case "HEALTHCHECK":
      image.healthCheck = JSON.parse(rest.slice(rest.indexOf("["))) as string[];
      return;
    case "STOPSIGNAL":
      image.stopSignal = args[0] as string;
      return;
    case "EXPOSE":
      return;
    default:
      throw new Error(`unknown instruction ${keyword}`);
  }
}

/** A path of the image on this machine. */
export function inside(image: Image, path: string): string {
  return join(image.root, path.startsWith("/") ? path : join(image.workdir, path));
}

/** A folder's content, or a file into a folder: the two forms that the Dockerfile uses. */
function copy(source: string, target: string, image: Image): void {
  const isFile = basename(source).includes(".") && existsSync(source) && !existsSync(`${source}/.`);
  const to = isFile && target.endsWith("/") ? join(target, basename(source)) : target;
  cpSync(source, inside(image, to), { recursive: true, verbatimSymlinks: true });
}

/** Takes out of a context what `.dockerignore` names; patterns for any folder are what Git ignores too. */
export function applyDockerignore(context: string): void {
  const lines = readFileSync(join(context, ".dockerignore"), "utf8").split("\n");
  for (const line of lines) {
    if (line === "" || line.startsWith("#") || line.startsWith("**/")) continue;
    rmSync(join(context, line), { recursive: true, force: true });
  }
}
