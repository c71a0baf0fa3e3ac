import type { MCPCache } from "@backplane/cache";
import type { WeatherSource } from "./weather-source.ts";

/**
 * A source that is asked once for what many ask: by tool, resource, prompt and workflow, in every process that
 * shares the cache. Failures are not kept.
 */
export function cachedWeather(source: WeatherSource, cache: MCPCache): WeatherSource {
  const kept = cache.namespace("weather");
  return {
    description: source.description,
    getWeather({ location, date }, options = {}) {
      const place = location.trim().toLowerCase();
      return kept.getOrSet(
        JSON.stringify([place, date ?? "latest"]),
        ({ signal }) => source.getWeather({ location, date }, { signal }),
        options,
      );
    },
    close: () => source.close(),
  };
}
