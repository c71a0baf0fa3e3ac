import { once } from "node:events";
import { createServer, type IncomingMessage, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { codes } from "../errors.ts";
import { createLiveWeather, type LiveWeatherOptions } from "./live-weather.ts";
import type { WeatherSource } from "./weather-source.ts";

const BERLIN = {
  name: "Berlin",
  latitude: 52.52437,
  longitude: 13.41053,
  country: "Germany",
  country_code: "DE",
  timezone: "Europe/Berlin",
};

function forecastOf(url: URL): unknown {
  return {
    latitude: 52.52,
    longitude: 13.42,
    timezone: url.searchParams.get("timezone"),
    daily_units: {
      time: "iso8601",
      weather_code: "wmo code",
      temperature_2m_max: "°C",
      temperature_2m_min: "°C",
      precipitation_sum: "mm",
      wind_speed_10m_max: url.searchParams.get("wind_speed_unit") === "ms" ? "m/s" : "km/h",
    },
    daily: {
      time: [url.searchParams.get("start_date") ?? "2026-03-02"],
      weather_code: [63],
      temperature_2m_max: [9.4],
      temperature_2m_min: [2.1],
      precipitation_sum: [3.2],
      wind_speed_10m_max: [6.9],
    },
  };
}

type Answer = { status?: number; headers?: Record<string, string>; body: string } | "hang";

/** A server of the Open-Meteo shape; `override` replaces the answer of one endpoint. */
function openMeteo(
  seen: URL[],
  override: (url: URL, request: IncomingMessage) => Answer | undefined = () => undefined,
): RequestListener {
  return (request, response) => {
    const url = new URL(request.url ?? "/", "http://localhost");
    seen.push(url);
    const answer = override(url, request) ?? standardAnswer(url);
    if (answer === "hang") return;
    response.writeHead(answer.status ?? 200, {
      "content-type": "application/json",
      ...answer.headers,
    });
    response.end(answer.body);
  };
}

function standardAnswer(url: URL): Answer {
  if (url.pathname.endsWith("/v1/search")) {
    const found = url.searchParams.get("name")?.toLowerCase() === "berlin";
    return {
      body: JSON.stringify(
        found ? { results: [BERLIN], generationtime_ms: 0.5 } : { generationtime_ms: 0.5 },
      ),
    };
  }
  if (url.pathname.endsWith("/v1/forecast")) return { body: JSON.stringify(forecastOf(url)) };
  return { status: 404, body: "not found" };
}

let server: Server | undefined;
let source: WeatherSource | undefined;

afterEach(async () => {
  server?.closeAllConnections();
  server?.close();
  await source?.close();
  server = undefined;
  source = undefined;
});

async function live(
  listener: RequestListener,
  options: Partial<LiveWeatherOptions> & { path?: string } = {},
): Promise<WeatherSource> {
  server = createServer(listener).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const base = new URL(`http://127.0.0.1:${port}${options.path ?? ""}`);
  source = createLiveWeather({ weatherUrl: base, geocodingUrl: base, ...options });
  return source;
}

const only = (path: string, answer: Answer) => (url: URL) =>
  url.pathname === path ? answer : undefined;

describe("live weather", () => {
  it("asks where the place is, then for its day, in our units", async () => {
    const seen: URL[] = [];
    const weather = await live(openMeteo(seen));
    const report = await weather.getWeather({ location: " berlin ", date: "2026-03-05" });
    expect(report).toEqual({
      location: "Berlin, Germany",
      observedOn: "2026-03-05",
      kind: "modelled",
      condition: "rain",
      temperatureMax: 9.4,
      temperatureMin: 2.1,
      precipitation: 3.2,
      windSpeed: 6.9,
      windSpeedStatistic: "maximum",
      units: { temperature: "°C", precipitation: "mm", windSpeed: "m/s" },
      source: expect.stringMatching(/^live weather API at 127\.0\.0\.1:\d+$/) as string,
    });
    expect(seen.map((url) => url.pathname)).toEqual(["/v1/search", "/v1/forecast"]);
    expect(Object.fromEntries(seen[1]?.searchParams ?? [])).toMatchObject({
      latitude: "52.52437",
      longitude: "13.41053",
      wind_speed_unit: "ms",
      timezone: "Europe/Berlin",
      start_date: "2026-03-05",
      end_date: "2026-03-05",
    });
  });

  it("asks for today when no date is given", async () => {
    const seen: URL[] = [];
    const weather = await live(openMeteo(seen));
    expect(await weather.getWeather({ location: "Berlin" })).toMatchObject({
      observedOn: "2026-03-02",
    });
    expect(seen[1]?.searchParams.get("forecast_days")).toBe("1");
    expect(seen[1]?.searchParams.has("start_date")).toBe(false);
  });

  it("keeps the path prefix and the query of a base URL", async () => {
    const seen: URL[] = [];
    const weather = await live(openMeteo(seen), { path: "/proxy/?apikey=k1" });
    await weather.getWeather({ location: "Berlin & co?" }).catch(() => undefined);
    expect(seen[0]?.pathname).toBe("/proxy/v1/search");
    expect(seen[0]?.searchParams.get("apikey")).toBe("k1");
    expect(seen[0]?.searchParams.get("name")).toBe("Berlin & co?");
  });

  it("tells an unknown location by its empty result", async () => {
    const weather = await live(openMeteo([]));
    await expect(weather.getWeather({ location: "Atlantis" })).rejects.toMatchObject({
      code: codes.invalidInput,
      data: { field: "location", value: "Atlantis" },
    });
  });

  it("tells an unknown location by a 404 of the API", async () => {
    const refusal = JSON.stringify({ error: true, reason: "no such place" });
    const weather = await live(openMeteo([], only("/v1/search", { status: 404, body: refusal })));
    await expect(weather.getWeather({ location: "Atlantis" })).rejects.toMatchObject({
      code: codes.invalidInput,
    });
  });

  it("does not take the 404 of a wrong base URL for an unknown location", async () => {
    const weather = await live(
      openMeteo([], only("/v1/search", { status: 404, body: "not found" })),
    );
    await expect(weather.getWeather({ location: "Berlin" })).rejects.toMatchObject({
      code: codes.upstreamUnavailable,
      message: expect.stringContaining("status 404") as string,
    });
  });

  it("turns a refused date into bad input with the API's reason", async () => {
    const body = JSON.stringify({ error: true, reason: "start_date is out of allowed range" });
    const weather = await live(openMeteo([], only("/v1/forecast", { status: 400, body })));
    await expect(
      weather.getWeather({ location: "Berlin", date: "1850-01-01" }),
    ).rejects.toMatchObject({
      code: codes.invalidInput,
      data: { field: "date", value: "1850-01-01" },
      message: expect.stringContaining("out of allowed range") as string,
    });
  });

  it("refuses bad arguments without asking anyone", async () => {
    const seen: URL[] = [];
    const weather = await live(openMeteo(seen));
    await expect(weather.getWeather({ location: " " })).rejects.toMatchObject({
      code: codes.invalidInput,
    });
    await expect(weather.getWeather({ location: "Berlin", date: "soon" })).rejects.toMatchObject({
      code: codes.invalidInput,
      data: { field: "date" },
    });
    expect(seen).toEqual([]);
  });

  it.each<[string, Answer, RegExp, number]>([
    ["a 500", { status: 500, body: "oops" }, /status 500/, 60_000],
    [
      "a 503 with Retry-After",
      { status: 503, headers: { "retry-after": "7" }, body: "" },
      /status 503/,
      7_000,
    ],
    [
      "a 429 with an absurd Retry-After",
      { status: 429, headers: { "retry-after": "99999999" }, body: "" },
      /status 429/,
      3_600_000,
    ],
    [
      "a redirect",
      { status: 302, headers: { location: "http://127.0.0.1:1/" }, body: "" },
      /status 302/,
      60_000,
    ],
    ["malformed JSON", { body: '{"daily":' }, /not JSON/, 60_000],
    ["another shape", { body: '{"daily":{}}' }, /unexpected form/, 60_000],
    [
      "null values",
      {
        body: JSON.stringify(forecastOf(new URL("http://x/?wind_speed_unit=ms"))).replace(
          "9.4",
          "null",
        ),
      },
      /unexpected form/,
      60_000,
    ],
    [
      "another unit",
      { body: JSON.stringify(forecastOf(new URL("http://x/"))) },
      /unexpected form/,
      60_000,
    ],
    [
      "another day",
      { body: JSON.stringify(forecastOf(new URL("http://x/?wind_speed_unit=ms"))) },
      /another day/,
      60_000,
    ],
    [
      "too many bytes",
      { body: JSON.stringify({ padding: "x".repeat(300_000) }) },
      /more than 262144 bytes/,
      60_000,
    ],
  ])("answers −2001 with retryAfterMs for %s", async (_name, answer, message, retryAfterMs) => {
    const weather = await live(openMeteo([], only("/v1/forecast", answer)));
    await expect(
      weather.getWeather({ location: "Berlin", date: "2026-03-05" }),
    ).rejects.toMatchObject({
      code: codes.upstreamUnavailable,
      message: expect.stringMatching(message) as string,
      retryAfterMs,
    });
  });

  it("gives up on a server that does not answer", async () => {
    const weather = await live(openMeteo([], only("/v1/search", "hang")), { timeoutMs: 100 });
    await expect(weather.getWeather({ location: "Berlin" })).rejects.toMatchObject({
      code: codes.upstreamUnavailable,
      message: expect.stringContaining("did not answer within 100 ms") as string,
    });
  });

  it("gives up on a server that begins an answer and stops", async () => {
    const weather = await live(
      (_request, response) => {
        response.writeHead(200, { "content-type": "application/json" });
        response.write('{"results":');
      },
      { timeoutMs: 150 },
    );
    await expect(weather.getWeather({ location: "Berlin" })).rejects.toMatchObject({
      code: codes.upstreamUnavailable,
      message: expect.stringContaining("did not answer within 150 ms") as string,
    });
  });

  it("answers −2001 when nothing listens, without naming more than the host", async () => {
    const weather = await live(openMeteo([]), { path: "/secret?apikey=hidden" });
    server?.closeAllConnections();
    server?.close();
    const error = await weather
      .getWeather({ location: "Berlin" })
      .catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: codes.upstreamUnavailable });
    expect((error as Error).message).toMatch(/cannot be reached/);
    expect((error as Error).message).not.toMatch(/secret|hidden/);
  });

  it("stops with the caller's reason when the caller gives up", async () => {
    const controller = new AbortController();
    const reason = new Error("no longer wanted");
    let closed: Promise<unknown> | undefined;
    const weather = await live(
      openMeteo([], (_url, request) => {
        closed = once(request.socket, "close");
        controller.abort(reason);
        return "hang";
      }),
    );
    await expect(
      weather.getWeather({ location: "Berlin" }, { signal: controller.signal }),
    ).rejects.toBe(reason);
    await closed;
  });

  it("names an unknown weather code by its number", async () => {
    const url = new URL("http://x/?wind_speed_unit=ms&start_date=2026-03-05");
    const body = JSON.stringify(forecastOf(url)).replace("[63]", "[42]");
    const weather = await live(openMeteo([], only("/v1/forecast", { body })));
    expect(await weather.getWeather({ location: "Berlin", date: "2026-03-05" })).toMatchObject({
      condition: "WMO weather code 42",
    });
  });
});
