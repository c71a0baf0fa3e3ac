/** What a client says when it is asked: right, wrong, and nothing at all. `@rid@` is the request's id. */
const ANSWERS: readonly (string | undefined)[] = [
  undefined,
  '{"jsonrpc":"2.0","id":@rid@,"result":{"action":"accept","content":{"name":"Ada","username":"ada","email":"ada@example.com","ok":true,"color":"red"}}}',
  '{"jsonrpc":"2.0","id":@rid@,"result":{"action":"decline"}}',
  '{"jsonrpc":"2.0","id":@rid@,"result":{"action":"cancel","content":{}}}',
  '{"jsonrpc":"2.0","id":@rid@,"result":{"role":"assistant","model":"m","content":{"type":"text","text":"Paris"}}}',
  '{"jsonrpc":"2.0","id":@rid@,"result":{"roots":[{"uri":"file:///tmp","name":"tmp"}]}}',
  '{"jsonrpc":"2.0","id":@rid@,"error":{"code":-1,"message":"User rejected the request"}}',
  '{"jsonrpc":"2.0","id":@rid@,"result":{}}',
  '{"jsonrpc":"2.0","id":@rid@,"result":{"action":7}}',
  '{"jsonrpc":"2.0","id":@rid@,"result":{"action":"accept","content":[]}}',
  '{"jsonrpc":"2.0","id":@rid@,"result":{"action":"accept","content":{"__proto__":{"polluted":true}}}}',
  '{"jsonrpc":"2.0","id":@rid@,"result":{"role":"assistant","content":null}}',
  '{"jsonrpc":"2.0","id":@rid@,"result":{"roots":{"length":-1}}}',
  '{"jsonrpc":"2.0","id":@rid@,"result":{"__proto__":{"action":"accept"}}}',
  '{"jsonrpc":"2.0","id":@rid@,"result":null}',
  '{"jsonrpc":"2.0","id":@rid@,"error":{"code":"x"}}',
  '{"jsonrpc":"2.0","id":@rid@,"error":{"code":1.5,"message":null,"data":{"stack":"x"}}}',
  '{"jsonrpc":"2.0","id":@rid@}',
  '{"jsonrpc":"2.0","id":[@rid@],"result":{}}',
  '{"id":@rid@,',
];

/** The client's answer to a request of the server; undefined for silence. */
export function clientAnswer(index: number, id: unknown): string | undefined {
  return ANSWERS[index % ANSWERS.length]?.replaceAll("@rid@", JSON.stringify(id));
}
