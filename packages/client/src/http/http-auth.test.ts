import type { ClientAuth, ClientAuthChallenge, ClientAuthRequest } from "@backplane/protocol";
import { afterEach, describe, expect, it } from "vitest";
import type { LoadHttpSender } from "./http-channel.ts";
import {
  answerTo,
  EventLog,
  json,
  optionsFor,
  ping,
  Recorder,
  type Script,
  ScriptedServer,
  SENDERS,
  stream,
  until,
} from "./http-rig.test-support.ts";
import { HttpTransport } from "./http-transport.ts";

const closing: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

/** Credentials that get a new number with each challenge that they answer. */
class Numbered implements ClientAuth {
  readonly asked: ClientAuthRequest[] = [];
  readonly challenges: ClientAuthChallenge[] = [];
  readonly #verdict: "retry" | "fail";

  constructor(verdict: "retry" | "fail" = "retry") {
    this.#verdict = verdict;
  }

  async headers(request: ClientAuthRequest): Promise<Record<string, string>> {
    this.asked.push(request);
    return { Authorization: `Bearer ${this.challenges.length}` };
  }

  async onChallenge(challenge: ClientAuthChallenge): Promise<"retry" | "fail"> {
    this.challenges.push(challenge);
    return this.#verdict;
  }
}

async function rig(
  load: LoadHttpSender,
  auth: ClientAuth | undefined,
  script: Script,
): Promise<{ server: ScriptedServer; transport: HttpTransport }> {
  const server = await ScriptedServer.open(script);
  closing.push(() => server.close());
  const headers = { authorization: "Bearer configured" };
  const transport = new HttpTransport(optionsFor(`${server.url}?a=1`, { auth, headers }), load);
  closing.push(() => transport.close());
  await transport.open(new EventLog());
  return { server, transport };
}

function send(transport: HttpTransport): Recorder {
  const recorder = new Recorder();
  transport.request(ping(), recorder);
  return recorder;
}

/** Refuses credentials below a number. */
function wants(number: number, status = 401): Script {
  return (seen, response) => {
    const given = Number(seen.headers.authorization?.slice("Bearer ".length));
    if (given >= number) json(response, answerTo(seen));
    else response.writeHead(status, { "www-authenticate": 'Bearer scope="a"' }).end("no");
  };
}

describe.each(SENDERS)("credentials on %s", (_name, load) => {
  it("are asked for before each request, and stand above the configured ones", async () => {
    const auth = new Numbered();
    const { server, transport } = await rig(load, auth, wants(0));
    await send(transport).received();
    await send(transport).received();
    await transport.post('{"id":7}', []);
    expect(auth.asked).toEqual(Array(3).fill({ method: "POST", url: `${server.url}?a=1` }));
    expect(server.seen.map(({ headers }) => headers.authorization)).toEqual(
      Array(3).fill("Bearer 0"),
    );
  });

  it.each([401, 403])(
    "answer a challenge of %i, and the same request is sent again",
    async (status) => {
      const auth = new Numbered();
      const { server, transport } = await rig(load, auth, wants(2, status));
      expect(await send(transport).received()).toMatchObject([{ id: 1 }]);
      expect(server.seen.map(({ body }) => body)).toEqual(Array(3).fill(ping().text));
      expect(auth.challenges).toMatchObject([
        {
          status,
          url: `${server.url}?a=1`,
          headers: { "www-authenticate": 'Bearer scope="a"' },
          sent: { Authorization: "Bearer 0" },
        },
        { sent: { Authorization: "Bearer 1" } },
      ]);
    },
  );

  it("are challenged three times at most", async () => {
    const auth = new Numbered();
    const { server, transport } = await rig(load, auth, wants(100));
    const recorder = send(transport);
    expect(await recorder.failed()).toMatchObject({
      code: "unauthorized",
      status: 401,
      retry: "never",
      details: { body: "no", challenge: 'Bearer scope="a"' },
    });
    expect([auth.challenges.length, server.seen.length, recorder.failures]).toEqual([3, 4, 1]);
    // Another request has its own three.
    await expect(transport.post("{}", [])).rejects.toMatchObject({ code: "unauthorized" });
    expect(auth.challenges).toHaveLength(6);
  });

  it("may say that the refusal stands", async () => {
    const auth = new Numbered("fail");
    const { server, transport } = await rig(load, auth, wants(1));
    expect(await send(transport).failed()).toMatchObject({ code: "unauthorized", status: 401 });
    expect(server.seen).toHaveLength(1);
  });

  it("are not challenged by 403 without a challenge", async () => {
    const auth = new Numbered();
    const { transport } = await rig(load, auth, (_, response) => response.writeHead(403).end());
    expect(await send(transport).failed()).toMatchObject({ code: "http_status", status: 403 });
    expect(auth.challenges).toEqual([]);
  });

  it("that cannot be had fail the request, before it is sent and after", async () => {
    const cause = new Error("the token endpoint is away");
    const none: ClientAuth = {
      headers: () => Promise.reject(cause),
      onChallenge: async () => "fail",
    };
    const first = await rig(load, none, wants(0));
    expect(await send(first.transport).failed()).toMatchObject({ code: "unauthorized", cause });
    expect(first.server.seen).toEqual([]);
    const no: ClientAuth = { headers: async () => ({}), onChallenge: () => Promise.reject(cause) };
    const second = await rig(load, no, (_, response) => response.writeHead(401).end());
    expect(await send(second.transport).failed()).toMatchObject({ code: "unauthorized", cause });
  });

  it("are not needed: a refusal without them is unauthorized", async () => {
    const { transport } = await rig(load, undefined, (_, response) =>
      json(response, '{"jsonrpc":"2.0","id":1,"error":{"code":-32001,"message":"x"}}', 401),
    );
    expect(await send(transport).failed()).toMatchObject({ code: "unauthorized", status: 401 });
  });

  it("open the server's stream and end the session too", async () => {
    const auth = new Numbered();
    const { server, transport } = await rig(load, auth, (seen, response) => {
      if (seen.headers.authorization === "Bearer 0") response.writeHead(401).end();
      else if (seen.method === "GET") stream(response);
      else response.writeHead(204).end();
    });
    transport.bind({ protocolVersion: undefined, sessionId: "s", resumable: false });
    expect(await transport.openServerStream()).toBe(true);
    await transport.endSession();
    expect(server.seen.map(({ method }) => method)).toEqual(["GET", "GET", "DELETE"]);
    expect(auth.asked.map(({ method }) => method)).toEqual(["GET", "GET", "DELETE"]);
  });

  it("are not sent for a request that was abandoned or closed while they were asked for", async () => {
    let give: (headers: Record<string, string>) => void = () => {};
    const slow: ClientAuth = {
      headers: () =>
        new Promise((resolve) => {
          give = resolve;
        }),
      onChallenge: async () => "retry",
    };
    const { server, transport } = await rig(load, slow, wants(0));
    const abandoned = send(transport);
    const giveFirst = give;
    transport.abandon(1);
    const closed = send(transport);
    await transport.close();
    giveFirst({});
    give({});
    await until(() => closed.failure !== undefined);
    expect(closed.failure).toMatchObject({ code: "closed" });
    expect([abandoned.failures, server.seen.length]).toEqual([0, 0]);
  });
});
