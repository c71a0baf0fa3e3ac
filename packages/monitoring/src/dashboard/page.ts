/// <reference path="./assets/raw.d.ts" />
import type { HttpRouteRequest, HttpRouteResponse } from "@backplane/protocol";
import callsScript from "./assets/calls.js?raw";
import chartsScript from "./assets/charts.js?raw";
import domScript from "./assets/dom.js?raw";
import fieldsScript from "./assets/fields.js?raw";
import formStyle from "./assets/forms.css?raw";
import icon from "./assets/icon.svg?raw";
import page from "./assets/index.html?raw";
import listStyle from "./assets/lists.css?raw";
import mainScript from "./assets/main.js?raw";
import panelsScript from "./assets/panels.js?raw";
import pageStyle from "./assets/style.css?raw";
import toolsScript from "./assets/tools.js?raw";

/**
 * Nothing from elsewhere, nothing inline, no frame around it; and no way from a text to markup or code, which
 * `require-trusted-types-for` takes away from the page's own scripts as well (CSP 3; Trusted Types).
 */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "form-action 'none'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join("; ");

const HEADERS: Readonly<Record<string, string>> = {
  "Content-Security-Policy": POLICY,
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Resource-Policy": "same-origin",
  "Referrer-Policy": "no-referrer",
  "X-Frame-Options": "DENY",
};

/** One part of the page. */
export interface Asset {
  readonly contentType: string;
  readonly text: string;
  /** Made when a browser first wants it. */
  gzipped?: Promise<Uint8Array>;
}

function asset(contentType: string, text: string): Asset {
  return { contentType: `${contentType}; charset=utf-8`, text };
}

const script = (text: string): Asset => asset("text/javascript", text);

/** What the page consists of, by name: the same for everybody, and nothing about the server. */
export const ASSETS: Readonly<Record<string, Asset>> = {
  // The last one has what narrow screens change.
  "style.css": asset("text/css", `${listStyle}${formStyle}${pageStyle}`),
  "icon.svg": asset("image/svg+xml", icon),
  "main.js": script(mainScript),
  "dom.js": script(domScript),
  "charts.js": script(chartsScript),
  "panels.js": script(panelsScript),
  "calls.js": script(callsScript),
  "tools.js": script(toolsScript),
  "fields.js": script(fieldsScript),
};

/**
 * The page itself, which shows at once what it will show when everything is there.
 * @param path where it is; its assets are found relative to it, also behind a proxy's prefix.
 */
export function pageAt(path: string, signedIn: boolean): Asset {
  const html = page
    .replaceAll("{base}", path.slice(path.lastIndexOf("/") + 1))
    .replaceAll('data-when="signed-in"', signedIn ? "" : "hidden")
    .replaceAll('data-when="signed-out"', signedIn ? "hidden" : "");
  return asset("text/html", html);
}

/** A part of the page as an answer, compressed for who can read that. */
export async function respondWith(
  asset: Asset,
  { header }: Pick<HttpRouteRequest, "header">,
): Promise<HttpRouteResponse> {
  const headers = { ...HEADERS, "Content-Type": asset.contentType, Vary: "Accept-Encoding" };
  if (!/\bgzip\b(?!\s*;\s*q=0(?:\.0*)?\s*(?:,|$))/i.test(header("accept-encoding") ?? "")) {
    return { headers, body: asset.text };
  }
  asset.gzipped ??= gzip(asset.text);
  return { headers: { ...headers, "Content-Encoding": "gzip" }, body: await asset.gzipped };
}

async function gzip(text: string): Promise<Uint8Array> {
  const stream = new Blob([text]).stream().pipeThrough(new CompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}
