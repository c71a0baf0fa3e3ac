import * as auth from "@backplane/auth/test-suite";
import * as protocol from "@backplane/protocol/test-suite";
import * as server from "@backplane/server/test-suite";
import * as workflow from "@backplane/workflow/test-suite";
import { expect, it } from "vitest";
import * as oauth from "./oauth.ts";
import * as suites from "./suites.ts";

it.each(Object.entries({ protocol, auth, server, workflow }))(
  "has everything that %s exports",
  (_name, exported) => {
    const here = { ...suites, ...oauth };
    expect(Object.keys(exported).filter((name) => !(name in here))).toEqual([]);
  },
);
