import assert from "node:assert/strict";
import { startAuthorizationServer } from "./authorization-server.ts";
import { readAsMachine, readAsUser } from "./client.ts";
import { startNotesServer } from "./notes-server.ts";

const clientSecret = "night-job-secret";
const authorizationServer = await startAuthorizationServer(clientSecret);
const { issuer, grants } = authorizationServer;
const { url, notes, stop } = await startNotesServer(authorizationServer);

try {
  // A browser that goes where it is led, and a user who agrees to everything.
  const asked: (string | null)[] = [];
  const open = (link: string) => {
    asked.push(new URL(link).searchParams.get("scope"));
    return fetch(link);
  };
  assert.deepEqual(await readAsUser(url, open), { reader: "alice", notes: [] });
  assert.deepEqual(asked, ["read", "read write"]);
  assert.deepEqual(notes, ["Buy milk"]);
  const report = await readAsMachine(url, { clientSecret, issuer });
  assert.deepEqual(report, { reader: "night-job", notes: ["Buy milk"] });
  assert.ok([...grants.values()].every(({ resource }) => resource === url));
} finally {
  await stop();
  authorizationServer.close();
}
