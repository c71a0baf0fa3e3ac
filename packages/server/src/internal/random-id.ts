const BYTES = 16;

/** 128 random bits as 32 hexadecimal digits: nobody guesses one (2025-11-25, basic/transports). */
export function randomId(): string {
  let id = "";
  for (const byte of globalThis.crypto.getRandomValues(new Uint8Array(BYTES))) {
    id += byte.toString(16).padStart(2, "0");
  }
  return id;
}
