import assert from "node:assert/strict";
import { startOAuthServer } from "@backplane/testing/oauth";
import { readAsMachine, readAsUser } from "./client.ts";
import { startNotesServer } from "./notes-server.ts";

const clientSecret = "night-job-secret";
// Stands in for the authorization server of a company: everybody may do everything at once.
const authorizationServer = await startOAuthServer({
  subject: "alice",
  clients: { "night-job": clientSecret },
});
const { issuer, issued } = authorizationServer;
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
  assert.ok([...issued.values()].every(({ resource }) => resource === url));
} finally {
  await stop();
  await authorizationServer.close();
}
