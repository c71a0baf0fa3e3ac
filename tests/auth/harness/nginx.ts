import { onTestFinished } from "vitest";
import { startNginx as start } from "../../tooling/nginx.ts";

/**
 * A real nginx before `upstream`, with the headers that its documentation tells to set. It passes on what it
 * does not set, as a client wrote it.
 * @returns its origin.
 */
export async function startNginx(upstream: string, settings = ""): Promise<string> {
  const { url, stop } = await start(
    (listen) => `server {
    listen ${listen};
    location / {
      proxy_pass ${new URL(upstream).origin};
      proxy_set_header Host $http_host;
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
      ${settings}
    }
  }`,
  );
  onTestFinished(stop);
  return url;
}
