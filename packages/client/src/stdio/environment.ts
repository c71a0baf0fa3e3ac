/**
 * Variables that a server process inherits without being asked: what it needs to find programs, files and its
 * user. Everything else may be a secret of this process.
 */
const INHERITED: readonly string[] = ["HOME", "LOGNAME", "PATH", "SHELL", "TERM", "USER"];

const INHERITED_ON_WINDOWS: readonly string[] = [
  "APPDATA",
  "COMSPEC",
  "HOMEDRIVE",
  "HOMEPATH",
  "LOCALAPPDATA",
  "PATH",
  "PATHEXT",
  "PROCESSOR_ARCHITECTURE",
  "PROGRAMDATA",
  "PROGRAMFILES",
  "PROGRAMFILES(X86)",
  "SYSTEMDRIVE",
  "SYSTEMROOT",
  "TEMP",
  "TMP",
  "USERNAME",
  "USERPROFILE",
  "WINDIR",
];

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The environment of a server process.
 * @param own added to what is inherited, and stronger.
 * @param further names of variables to inherit beside the usual ones.
 */
export function childEnvironment(
  own: Readonly<Record<string, string>>,
  further: readonly string[],
  from: Environment = process.env,
  platform: NodeJS.Platform = process.platform,
): Record<string, string> {
  const inherited: Record<string, string> = {};
  const usual = platform === "win32" ? INHERITED_ON_WINDOWS : INHERITED;
  for (const name of [...usual, ...further]) {
    const value = from[name];
    // An exported shell function, which a shell would run (CVE-2014-6271).
    if (value !== undefined && !value.startsWith("()")) inherited[name] = value;
  }
  return { ...inherited, ...own };
}
