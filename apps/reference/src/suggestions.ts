import type { Completer } from "@backplane/server";
import type { RecordedWeather } from "./weather/recorded-weather.ts";

/** Places that begin with what was typed. */
export function suggestLocations({ locations }: RecordedWeather): Completer {
  return ({ value }) => {
    const typed = value.trimStart().toLowerCase();
    return locations.filter((location) => location.toLowerCase().startsWith(typed));
  };
}

/** Recorded days that begin with what was typed, of the chosen place or of all, newest first. */
export function suggestDates(recorded: RecordedWeather): Completer {
  return ({ value, chosen }) => {
    const places = recorded.locations.filter(
      (location) =>
        chosen["location"] === undefined ||
        location.toLowerCase() === chosen["location"].trim().toLowerCase(),
    );
    const dates = new Set<string>();
    for (const place of places) {
      for (const { date } of recorded.observationsOf(place)) {
        if (date.startsWith(value.trim())) dates.add(date);
      }
    }
    return [...dates].sort().reverse();
  };
}
