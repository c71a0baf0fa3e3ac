// The yardstick of the test client: the same request as text to the server's end in memory, one
// JSON.stringify, one JSON.parse. Nothing is checked.
import { clientInfo, serveOrders } from "../lib/client-worker.mjs";
import { echoServer } from "../lib/memory-server.mjs";
import { MODERN } from "../lib/revisions.mjs";

const transport = echoServer().connectInMemory();
const waiting = new Map();
transport.start({
  onMessage(text) {
    const message = JSON.parse(text);
    waiting.get(message.id)(message);
    waiting.delete(message.id);
  },
  onClose() {},
});
const prefix = "io.modelcontextprotocol";
const meta = {
  [`${prefix}/protocolVersion`]: MODERN,
  [`${prefix}/clientInfo`]: clientInfo,
  [`${prefix}/clientCapabilities`]: {},
};
let id = 0;

serveOrders(async (message) => {
  id += 1;
  const params = { _meta: meta, name: "echo", arguments: { message } };
  const answered = new Promise((resolve) => waiting.set(id, resolve));
  transport.send(JSON.stringify({ jsonrpc: "2.0", id, method: "tools/call", params }));
  return (await answered).result.content[0].text;
});
