/** How this client introduces itself when it registers (RFC 7591, 2). */
export interface ClientRegistration {
  /** What users read. */
  readonly clientName: string;
  /** By default "native" for a redirect URL on this machine, else "web". */
  readonly applicationType?: "native" | "web";
  readonly clientUri?: string;
  readonly logoUri?: string;
  readonly contacts?: readonly string[];
  readonly softwareId?: string;
  readonly softwareVersion?: string;
}
