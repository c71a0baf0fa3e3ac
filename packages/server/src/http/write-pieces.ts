import type { ServerResponse } from "node:http";

/**
 * Writes what is made as it is asked for and ends the response, with no more made than the client takes. When the
 * client is gone nothing more is; when a piece cannot be made the connection ends, since a status was sent already.
 */
export function writePieces(response: ServerResponse, pieces: Generator<Uint8Array, void>): void {
  const stop = (): void => {
    response.off("drain", more);
    pieces.return();
  };
  const more = (): void => {
    try {
      // Asked each time: Node emits an error for what is written to a destroyed response.
      while (!response.destroyed) {
        const { done, value } = pieces.next();
        if (done === true) {
          response.off("drain", more);
          response.off("close", stop);
          response.end();
          return;
        }
        if (!response.write(value)) return;
      }
    } catch {
      response.destroy();
    }
  };
  response.on("drain", more);
  response.once("close", stop);
  more();
}
