import { describe, expect, it } from "vitest";
import { addDays, civilDateOf, dayNumber, isCivilDate, weekdayOf } from "./civil-date.ts";

describe("civil dates", () => {
  it.each(["2024-02-29", "2015-12-31", "0001-01-01", "9999-12-31"])("knows %s", (text) => {
    expect(isCivilDate(text)).toBe(true);
    expect(civilDateOf(dayNumber(text) as number)).toBe(text);
  });

  it.each([
    "2023-02-29",
    "2015-13-01",
    "2015-00-10",
    "2015-1-1",
    "2015-12-31T00:00:00Z",
    " 2015-12-31",
    "",
    "yesterday",
  ])("refuses %j", (text) => {
    expect(isCivilDate(text)).toBe(false);
    expect(() => weekdayOf(text)).toThrow(RangeError);
    expect(() => addDays(text, 1)).toThrow(RangeError);
  });

  it("adds days across months, leap days and years", () => {
    expect(addDays("2024-02-28", 1)).toBe("2024-02-29");
    expect(addDays("2023-02-28", 1)).toBe("2023-03-01");
    expect(addDays("2016-01-01", -1)).toBe("2015-12-31");
    expect(() => addDays("9999-12-31", 1)).toThrow(RangeError);
  });

  it("names weekdays before and after 1970", () => {
    expect(weekdayOf("1970-01-01")).toBe("Thursday");
    expect(weekdayOf("1969-12-31")).toBe("Wednesday");
    expect(weekdayOf("2026-03-02")).toBe("Monday");
  });
});
