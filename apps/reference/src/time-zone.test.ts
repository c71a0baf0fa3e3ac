import { describe, expect, it } from "vitest";
import {
  dayInterval,
  isoInZone,
  resolveTimeZone,
  resolveWallTime,
  type TimeZone,
} from "./time-zone.ts";

function zone(name: string): TimeZone {
  const found = resolveTimeZone(name);
  if (found === undefined) throw new Error(`this Node knows no ${name}`);
  return found;
}

function at(date: string, hour: number, minute: number) {
  return { date, hour, minute, second: 0 };
}

describe("time zones", () => {
  it("repairs the case of a name and keeps an alias", () => {
    expect(zone(" europe/berlin ").name).toBe("Europe/Berlin");
    expect(zone("Asia/Kolkata").name).toBe("Asia/Kolkata");
  });

  it.each(["", "Nowhere/Atlantis", "+01:00", "-05", "W. Europe Standard Time"])(
    "refuses %j",
    (name) => {
      expect(resolveTimeZone(name)).toBeUndefined();
    },
  );

  it.each([
    ["Europe/Berlin", at("2026-01-15", 9, 0), "2026-01-15T08:00:00.000Z"],
    ["Europe/Berlin", at("2026-07-15", 9, 0), "2026-07-15T07:00:00.000Z"],
    ["America/New_York", at("2015-12-31", 20, 0), "2016-01-01T01:00:00.000Z"],
    ["Asia/Kolkata", at("2026-03-01", 5, 30), "2026-03-01T00:00:00.000Z"],
    ["Pacific/Kiritimati", at("2026-03-02", 0, 0), "2026-03-01T10:00:00.000Z"],
    ["UTC", at("2026-03-01", 23, 59), "2026-03-01T23:59:00.000Z"],
  ])("%s: %j is %s", (name, wall, expected) => {
    const { epochMs, exists } = resolveWallTime(wall, zone(name));
    expect(new Date(epochMs).toISOString()).toBe(expected);
    expect(exists).toBe(true);
  });

  it("reads a time inside the spring gap with the offset from before it, and says so", () => {
    const { epochMs, exists } = resolveWallTime(at("2026-03-29", 2, 30), zone("Europe/Berlin"));
    expect(exists).toBe(false);
    expect(isoInZone(epochMs, zone("Europe/Berlin"))).toBe("2026-03-29T03:30:00+02:00");
  });

  it("takes the first of two equal times in autumn", () => {
    const { epochMs } = resolveWallTime(at("2026-10-25", 2, 30), zone("Europe/Berlin"));
    expect(isoInZone(epochMs, zone("Europe/Berlin"))).toBe("2026-10-25T02:30:00+02:00");
  });

  it("gives days of 23, 24 and 25 hours", () => {
    const hours = (date: string) => {
      const { startMs, endMs } = dayInterval(date, zone("Europe/Berlin"));
      return (endMs - startMs) / 3_600_000;
    };
    expect(["2026-03-29", "2026-06-01", "2026-10-25"].map(hours)).toEqual([23, 24, 25]);
  });

  it("begins a day after the gap where midnight is skipped", () => {
    const cairo = zone("Africa/Cairo");
    expect(isoInZone(dayInterval("2024-04-26", cairo).startMs, cairo)).toBe(
      "2024-04-26T01:00:00+03:00",
    );
  });
});
