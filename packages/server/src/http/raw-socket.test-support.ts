import { once } from "node:events";
import { connect, type Socket } from "node:net";

/** A client of bytes: it says what it is told and keeps what comes back, whether the server likes it or not. */
export class RawSocket {
  readonly socket: Socket;
  received = "";
  /** True once the server has ended its side in order: everything that it said has arrived. */
  ended = false;

  #wake: () => void = () => {};

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.setEncoding("latin1");
    socket.on("data", (text: string) => {
      this.received += text;
      this.#wake();
    });
    socket.on("end", () => {
      this.ended = true;
      this.#wake();
    });
    // A reset shows in what did not arrive.
    socket.on("error", () => {});
    socket.on("close", () => this.#wake());
  }

  static async open(port: number): Promise<RawSocket> {
    const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
    await once(socket, "connect");
    return new RawSocket(socket);
  }

  /** Resolves once the kernel has taken it all, or never can. */
  write(bytes: string | Buffer): Promise<void> {
    return new Promise((resolve) => {
      this.socket.write(bytes, "latin1", () => resolve());
    });
  }

  /** Waits until what was received matches, or nothing can come any more. */
  async until(pattern: RegExp): Promise<void> {
    await this.#waitFor(() => this.ended || pattern.test(this.received));
  }

  /** Waits for the end of both sides. */
  async closed(): Promise<void> {
    await this.#waitFor(() => false);
  }

  async #waitFor(holds: () => boolean): Promise<void> {
    while (!holds() && !this.socket.closed) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }
}

/** The statuses of the responses in what came back. */
export function statusesIn(received: string): number[] {
  return [...received.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => Number(status));
}

/** A request in bytes. */
export function rawPost(
  path: string,
  headers: Readonly<Record<string, string | undefined>>,
  body: string,
): string {
  const lines = Object.entries(headers).filter(([, value]) => value !== undefined);
  return [
    `POST ${path} HTTP/1.1`,
    "Host: 127.0.0.1",
    ...lines.map(([name, value]) => `${name}: ${value}`),
    ...("transfer-encoding" in headers || "content-length" in headers
      ? []
      : [`Content-Length: ${Buffer.byteLength(body)}`]),
    "",
    body,
  ].join("\r\n");
}
