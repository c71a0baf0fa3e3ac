import {
  checkBoolean,
  checkMembers,
  checkMethods,
  type HttpRoute,
  wholeNumber,
} from "@backplane/protocol";

const MEMBERS: readonly string[] = [
  "method",
  "path",
  "access",
  "open",
  "maxBodyBytes",
  "identify",
  "handle",
] satisfies (keyof HttpRoute)[];
const METHODS: readonly string[] = ["GET", "POST", "PUT", "DELETE"];

/** @throws {TypeError} that names the member and what it takes. */
export function checkRoute(route: HttpRoute, hasAuth: boolean): void {
  checkMembers("addRoute", route, MEMBERS);
  const { method, path, access, open, maxBodyBytes, identify } = route;
  if (!METHODS.includes(method)) {
    throw new TypeError(`addRoute: option "method" must be one of ${METHODS.join(", ")}`);
  }
  if (typeof path !== "string" || !/^\/(?:[^?#\s*]*|[^?#\s*]*\/\*)$/.test(path)) {
    throw new TypeError(
      `addRoute: option "path" must begin with "/" and hold no query, such as "/metrics" or "/dashboard/*": ${JSON.stringify(path)}`,
    );
  }
  if (access !== "authenticated" && access !== "public") {
    throw new TypeError('addRoute: option "access" must be "authenticated" or "public"');
  }
  checkBoolean("addRoute", "open", open);
  if (open === true && access === "public") {
    throw new TypeError('addRoute: option "open" is for access "authenticated"');
  }
  if (maxBodyBytes !== undefined) wholeNumber("addRoute", "maxBodyBytes", maxBodyBytes);
  checkMethods("addRoute", "route", route, ["handle"]);
  if (identify !== undefined) checkMethods("addRoute", "route", route, ["identify"]);
  if (access === "authenticated" && open !== true && !hasAuth && identify === undefined) {
    throw new TypeError(
      `addRoute: ${path} wants to know its caller, and the server has no option "auth"; give it one, or give the route open: true to serve this machine alone`,
    );
  }
}
