import { readAccess } from "./access/access-config.ts";
import { createJWTAuth } from "./access/authentication.ts";
import { ConfigError } from "./environment.ts";
import { describeStartupError } from "./startup-error.ts";

const USAGE = "usage: issue-token NAME [scope or role:NAME …], such as alice calendar:write";
const ROLE = "role:";

/** Signs a token for trying out, with the same `JWT_…` variables as the server that shall take it. */
async function main([name, ...grants]: readonly string[]): Promise<void> {
  const { jwt } = readAccess(process.env, undefined);
  if (jwt === undefined) throw new ConfigError("set JWT_SECRET, JWT_ISSUER and JWT_AUDIENCE");
  if (name === undefined) throw new ConfigError(USAGE);
  const isRole = (grant: string): boolean => grant.startsWith(ROLE);
  const token = await createJWTAuth(jwt).issue({
    sub: name,
    scope: grants.filter((grant) => !isRole(grant)).join(" "),
    roles: grants.filter(isRole).map((grant) => grant.slice(ROLE.length)),
  });
  process.stdout.write(`${token}\n`);
}

main(process.argv.slice(2)).catch((error: unknown) => {
  process.stderr.write(`${describeStartupError(error)}\n`);
  process.exitCode = 1;
});
