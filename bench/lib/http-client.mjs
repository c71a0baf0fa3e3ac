// A plain HTTP client for first answers, sessions and control traffic. It never generates load.
import { Agent, request as httpRequest } from "node:http";
import { checkAnswer, messagesOf } from "./answers.mjs";
import { initializedNotification, initializeRequest } from "./wire.mjs";

const REQUEST_TIMEOUT_MS = 15_000;

/** One exchange: `{ status, headers, body }`. */
export function exchange({ port, method, headers, body, agent }) {
  return new Promise((resolve, reject) => {
    const options = { host: "127.0.0.1", port, path: "/mcp", method, agent };
    const length = { "Content-Length": Buffer.byteLength(body) };
    const req = httpRequest({ ...options, headers: { ...headers, ...length } }, (res) => {
      const chunks = [];
      res.on("data", (chunk) => chunks.push(chunk));
      res.on("error", reject);
      res.on("end", () => {
        const text = Buffer.concat(chunks).toString();
        resolve({ status: res.statusCode, headers: res.headers, body: text });
      });
    });
    req.setTimeout(REQUEST_TIMEOUT_MS, () => req.destroy(new Error("no answer in time")));
    req.on("error", reject);
    req.end(body);
  });
}

const post = (request) => exchange({ ...request, method: "POST" });

/** Sends requests one by one, checks every answer, and returns the mean size of one in bytes. */
export async function checkFirstAnswers({ port, requests, toolCount }) {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  let socket;
  agent.on("free", (freed) => {
    socket = freed;
  });
  try {
    for (const request of requests) {
      const answer = await post({ port, ...request, agent });
      if (answer.status !== 200) {
        throw new Error(`status ${answer.status}: ${answer.body.slice(0, 300)}`);
      }
      const messages = messagesOf(answer.headers["content-type"] ?? "", answer.body);
      checkAnswer(request, messages, { toolCount });
    }
    await new Promise((resolve) => setImmediate(resolve));
    return (socket?.bytesRead ?? 0) / requests.length;
  } finally {
    agent.destroy();
  }
}

/** Opens a 2025 session: `{ id, version }`. */
export async function openSession({ port, agent }) {
  const opened = await post({ port, ...initializeRequest(), agent });
  const id = opened.headers["mcp-session-id"];
  if (opened.status !== 200 || !id) {
    throw new Error(`no session: status ${opened.status}: ${opened.body.slice(0, 300)}`);
  }
  const [message] = messagesOf(opened.headers["content-type"] ?? "", opened.body);
  const session = { id, version: message.result.protocolVersion };
  const accepted = await post({ port, ...initializedNotification(session), agent });
  if (accepted.status !== 202) {
    throw new Error(`initialized was answered with ${accepted.status}`);
  }
  return session;
}

/** Ends sessions one by one, as a client does that is done. */
export async function endSessions({ port, sessions }) {
  for (const { id, version } of sessions) {
    const headers = { "Mcp-Session-Id": id, "MCP-Protocol-Version": version };
    const { status } = await exchange({ port, method: "DELETE", headers, body: "" });
    if (status !== 200 && status !== 204) {
      throw new Error(`DELETE of a session was answered with ${status}`);
    }
  }
}

/** Opens `count` sessions over at most `connections` sockets, which are closed again. */
export async function openSessions({ port, count, connections }) {
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  const sessions = [];
  const openMany = async () => {
    while (sessions.length < count) {
      const place = sessions.push(null) - 1;
      sessions[place] = await openSession({ port, agent });
    }
  };
  try {
    await Promise.all(Array.from({ length: connections }, openMany));
    return sessions;
  } finally {
    agent.destroy();
  }
}
