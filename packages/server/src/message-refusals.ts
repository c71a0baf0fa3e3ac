import { invalidRequest, type MCPError } from "@backplane/protocol";

/** Why a message is refused before anyone looks at what it says: the same words on every transport. */
export function tooDeep(maxJsonDepth: number): MCPError {
  return invalidRequest(`the message nests deeper than ${maxJsonDepth} levels`);
}

export function tooLarge(maxBodyBytes: number): MCPError {
  return invalidRequest(`the message is larger than ${maxBodyBytes} bytes`);
}

export function noBatches(): MCPError {
  return invalidRequest("batches are part of revision 2025-03-26 only");
}
