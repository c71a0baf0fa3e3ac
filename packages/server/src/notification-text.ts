/** The JSON text of a notification. */
export function notificationText(method: string, params: object | undefined): string {
  return JSON.stringify({ jsonrpc: "2.0", method, ...(params !== undefined && { params }) });
}
