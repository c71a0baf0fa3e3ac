import { describe, expect, it } from "vitest";
import { dayLengthHours } from "./day-length.ts";

describe("day length", () => {
  // The formula is good to about ten minutes, the values are rounded to a tenth of an hour.
  it.each([
    ["Seattle, midsummer", 47.6, "2015-06-21", 16.0],
    ["Seattle, midwinter", 47.6, "2015-12-21", 8.4],
    ["New York, equinox", 40.7, "2015-03-20", 12.1],
    ["equator", 0, "2015-06-21", 12.1],
    ["Tromsø, midnight sun", 69.6, "2015-06-21", 24],
    ["Tromsø, polar night", 69.6, "2015-12-21", 0],
    ["Sydney, midsummer", -33.9, "2015-12-21", 14.4],
  ])("%s", (_name, latitude, date, hours) => {
    expect(Math.abs(dayLengthHours(latitude, date) - hours)).toBeLessThanOrEqual(0.2);
  });

  it("refuses what is no place or day", () => {
    expect(() => dayLengthHours(91, "2015-06-21")).toThrow(RangeError);
    expect(() => dayLengthHours(Number.NaN, "2015-06-21")).toThrow(RangeError);
    expect(() => dayLengthHours(0, "2015-02-30")).toThrow(RangeError);
  });
});
