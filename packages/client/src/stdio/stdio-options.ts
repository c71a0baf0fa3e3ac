import { checkMembers, filledNumbers, wholeNumber } from "@backplane/protocol";
import { DEFAULT_RESTARTS, type RestartOptions } from "./restart-budget.ts";

/** How a server process is asked to end. Milliseconds; whole numbers of 1 or more. */
export interface ShutdownOptions {
  /** How long it may take to end once its stdin has ended, before it gets SIGTERM. Default 2,000. */
  readonly stdinEndMs: number;
  /** How long it, and what it started, may take to end after SIGTERM, before SIGKILL. Default 2,000. */
  readonly sigtermMs: number;
}

/** A local server that is started as a process. Only `command` is required. */
export interface StdioOptions {
  /**
   * The program: a path, or a name that is looked up in PATH. No shell reads it. It runs with the rights of this
   * process: one that comes from elsewhere needs the user's consent, who is shown it with all its arguments.
   */
  readonly command: string;
  readonly args?: readonly string[];
  /**
   * Added to what the process inherits: HOME, LOGNAME, PATH, SHELL, TERM and USER, or what Windows has in
   * their place, and no more: the rest of this process's environment may be secret.
   */
  readonly env?: Readonly<Record<string, string>>;
  /** Names of further variables that it inherits. */
  readonly inheritEnv?: readonly string[];
  /** Its working directory. Default: that of this process. */
  readonly cwd?: string;
  /**
   * Where its stderr goes: to the logger line by line with credentials masked, to this process's stderr,
   * nowhere, or to a function that gets each line as it is and must not throw. Default "log".
   */
  readonly stderr?: "log" | "inherit" | "ignore" | ((line: string) => void);
  /** How it is asked to end. */
  readonly shutdown?: Partial<ShutdownOptions>;
  /** How often it is started again after it ended by itself; `false` for never. */
  readonly restart?: Partial<RestartOptions> | false;
  /** Most that may wait in bytes, about, for a server that does not read; then requests fail with `overloaded`. Default 16 MiB. */
  readonly maxQueuedBytes?: number;
}

/** {@link StdioOptions} with every default filled in. */
export interface ResolvedStdioOptions {
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly inheritEnv: readonly string[];
  readonly cwd: string | undefined;
  readonly stderr: "log" | "inherit" | "ignore" | ((line: string) => void);
  readonly shutdown: ShutdownOptions;
  /** Undefined for never. */
  readonly restart: RestartOptions | undefined;
  readonly maxQueuedBytes: number;
}

const DEFAULT_SHUTDOWN: ShutdownOptions = { stdinEndMs: 2_000, sigtermMs: 2_000 };
const DEFAULT_MAX_QUEUED_BYTES = 16 * 1024 * 1024;
const STDERR: readonly unknown[] = ["log", "inherit", "ignore"];
const KNOWN: readonly string[] = [
  "command",
  "args",
  "env",
  "inheritEnv",
  "cwd",
  "stderr",
  "shutdown",
  "restart",
  "maxQueuedBytes",
] satisfies (keyof StdioOptions)[];

/**
 * Fills defaults and rejects nonsense.
 * @param subject the class or function whose options they are; the message begins with it.
 * @throws {TypeError} that names the option and what it takes.
 */
export function resolveStdioOptions(subject: string, options: StdioOptions): ResolvedStdioOptions {
  checkMembers(`${subject}: option "stdio"`, options, KNOWN);
  const { command, args = [], env = {}, inheritEnv = [], cwd, stderr = "log" } = options;
  const bad = (option: string, takes: string): TypeError =>
    new TypeError(`${subject}: option "stdio.${option}" must be ${takes}`);
  // The system ends a string at NUL: what is run would not be what is shown.
  if (!isText(command) || command === "") throw bad("command", "a non-empty string without NUL");
  if (!isTexts(args)) throw bad("args", "an array of strings without NUL");
  if (!isTexts(inheritEnv)) throw bad("inheritEnv", "an array of names");
  if (typeof env !== "object" || env === null || !isTexts(Object.entries(env).flat())) {
    throw bad("env", "an object of strings without NUL");
  }
  if (cwd !== undefined && (!isText(cwd) || cwd === "")) throw bad("cwd", "a path");
  if (!STDERR.includes(stderr) && typeof stderr !== "function") {
    throw bad("stderr", '"log", "inherit", "ignore" or a function');
  }
  const maxQueuedBytes = options.maxQueuedBytes ?? DEFAULT_MAX_QUEUED_BYTES;
  return {
    command,
    args,
    env,
    inheritEnv,
    cwd,
    stderr,
    shutdown: filledNumbers(subject, "stdio.shutdown", DEFAULT_SHUTDOWN, options.shutdown),
    restart:
      options.restart === false
        ? undefined
        : filledNumbers(subject, "stdio.restart", DEFAULT_RESTARTS, options.restart),
    maxQueuedBytes: wholeNumber(subject, "stdio.maxQueuedBytes", maxQueuedBytes),
  };
}

function isText(value: unknown): value is string {
  return typeof value === "string" && !value.includes("\0");
}

function isTexts(values: unknown): boolean {
  return Array.isArray(values) && values.every(isText);
}
