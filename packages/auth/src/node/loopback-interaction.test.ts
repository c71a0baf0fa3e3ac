import { describe, expect, it } from "vitest";
import { createLoopbackInteraction } from "./loopback-interaction.ts";

const signal = new AbortController().signal;

/** An authorization request with this redirect URL. */
function authorization(redirectUrl: string, state = "the-state"): URL {
  const url = new URL("https://as.example/authorize");
  url.searchParams.set("redirect_uri", redirectUrl);
  url.searchParams.set("state", state);
  return url;
}

/** What the browser asks for on its way back. */
function back(redirectUrl: string, parameters: Record<string, string>): string {
  return `${redirectUrl}?${new URLSearchParams(parameters)}`;
}

async function start(options: { port?: number; path?: string; timeoutMs?: number } = {}) {
  const opened: string[] = [];
  const interaction = createLoopbackInteraction({
    open: (url) => opened.push(url),
    ...options,
  });
  const redirectUrl = (await interaction.redirectUrl?.()) as string;
  return { interaction, redirectUrl, opened };
}

describe("the way back to this machine", () => {
  it("takes one redirect, says nothing of it on the page, and closes", async () => {
    const { interaction, redirectUrl, opened } = await start();
    expect(redirectUrl).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/[\w-]{36}$/);
    const url = authorization(redirectUrl);
    const authorized = interaction.authorize(url, { signal });
    const response = await fetch(
      back(redirectUrl, { state: "the-state", code: "<code>", iss: "x" }),
    );
    const page = await response.text();
    expect(opened).toEqual([url.href]);
    expect(Object.fromEntries((await authorized) as URLSearchParams)).toEqual({
      state: "the-state",
      code: "<code>",
      iss: "x",
    });
    expect(page).not.toMatch(/code>|the-state/);
    expect(Object.fromEntries(response.headers)).toMatchObject({
      "cache-control": "no-store",
      "referrer-policy": "no-referrer",
      "content-security-policy": expect.stringContaining("default-src 'none'"),
    });
    await expect(fetch(back(redirectUrl, { state: "the-state", code: "again" }))).rejects.toThrow();
  });

  it("is not ended by anybody who does not know the state, the path or the name", async () => {
    const { interaction, redirectUrl } = await start();
    const statuses: number[] = [];
    const get = async (url: string, init: RequestInit = {}) =>
      statuses.push((await fetch(url, init)).status);
    // Before the authorization has begun nothing is expected.
    await get(back(redirectUrl, { state: "the-state", code: "early" }));
    const authorized = interaction.authorize(authorization(redirectUrl), { signal });
    await get(back(redirectUrl, { state: "wrong", code: "x" }));
    await get(back(redirectUrl, { code: "x" }));
    await get(back(new URL("/other", redirectUrl).href, { state: "the-state", code: "x" }));
    await get(back(redirectUrl.replace("127.0.0.1", "localhost"), { state: "the-state" }));
    await get(back(redirectUrl, { state: "the-state", code: "x" }), { method: "POST" });
    await get(back(redirectUrl, { state: "the-state", code: "right" }));
    expect(statuses).toEqual([400, 400, 400, 404, 404, 404, 200]);
    expect(((await authorized) as URLSearchParams).get("code")).toBe("right");
  });

  it("serves several authorizations at once, each at an address of its own", async () => {
    const interaction = createLoopbackInteraction({
      open: async (url) => {
        const { searchParams } = new URL(url);
        const state = searchParams.get("state") ?? "";
        await fetch(back(searchParams.get("redirect_uri") ?? "", { state, code: `for ${state}` }));
      },
    });
    const codes = await Promise.all(
      ["a", "b", "c"].map(async (state) => {
        const redirectUrl = (await interaction.redirectUrl?.()) ?? "";
        const parameters = await interaction.authorize(authorization(redirectUrl, state), {
          signal,
        });
        return (parameters as URLSearchParams).get("code");
      }),
    );
    expect(codes).toEqual(["for a", "for b", "for c"]);
  });

  it("ends when the browser cannot be opened, when nobody waits, and when nobody comes", async () => {
    const broken = createLoopbackInteraction({
      open: () => Promise.reject(new Error("no browser")),
    });
    const brokenUrl = (await broken.redirectUrl?.()) ?? "";
    await expect(broken.authorize(authorization(brokenUrl), { signal })).rejects.toThrow(
      "no browser",
    );

    const { interaction, redirectUrl } = await start();
    const controller = new AbortController();
    const waiting = interaction.authorize(authorization(redirectUrl), {
      signal: controller.signal,
    });
    controller.abort(new Error("enough"));
    await expect(waiting).rejects.toThrow("enough");

    const late = await start({ timeoutMs: 1 });
    await expect.poll(() => fetch(late.redirectUrl).catch(() => "closed")).toBe("closed");
    await expect(
      late.interaction.authorize(authorization(late.redirectUrl), { signal }),
    ).rejects.toThrow(/closed/);
  });

  it("can have a fixed address", async () => {
    const { redirectUrl } = await start({ path: "/callback" });
    expect(new URL(redirectUrl).pathname).toBe("/callback");
    const port = Number(new URL(redirectUrl).port);
    // Taken: the error of the listener reaches the caller.
    await expect(start({ port })).rejects.toMatchObject({ code: "EADDRINUSE" });
  });

  it.each([
    [{}, /"open"/],
    [{ open: () => {}, path: "callback" }, /"path"/],
    [{ open: () => {}, timeoutMs: 0 }, /"timeoutMs"/],
    [{ open: () => {}, port: 70_000 }, /"port"/],
    [{ open: () => {}, host: "0.0.0.0" }, /unknown option "host"/],
  ])("refuses the options %j", (options, message) => {
    expect(() => createLoopbackInteraction(options as never)).toThrow(message);
  });
});
