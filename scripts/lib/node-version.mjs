const FLOOR = { major: 20, minor: 19 };

/** "v20.20.2" → "20" */
export function nodeMajor(version) {
  return version.replace(/^v/, "").split(".")[0];
}

/** Throws when the version is below the `engines` floor of the packages. */
export function assertNodeFloor(version) {
  const [major, minor] = version.replace(/^v/, "").split(".").map(Number);
  if (major > FLOOR.major || (major === FLOOR.major && minor >= FLOOR.minor)) return;
  throw new Error(
    `Backplane needs Node ${FLOOR.major}.${FLOOR.minor} or later; this is Node ${version}.`,
  );
}
