import { describe, expect, it } from "vitest";
import { addDays, dayNumber } from "../civil-date.ts";
import { icsOf, vevent } from "./calendar.test-support.ts";
import { parseIcs } from "./parse-ics.ts";
import { dateOf, startsBetween } from "./recurrence.ts";

const WEEKDAYS = ["MO", "TU", "WE", "TH", "FR", "SA", "SU"] as const;

/** A small linear congruential generator: the same rules in every run. */
function randomFrom(seed: number) {
  let state = seed;
  const below = (limit: number) => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return state % limit;
  };
  return {
    below,
    pick: (...choices: readonly string[]) => choices[below(choices.length)] as string,
  };
}

type Random = ReturnType<typeof randomFrom>;

function randomRule({ below, pick }: Random): string {
  const freq = pick("DAILY", "WEEKLY", "MONTHLY", "YEARLY");
  const parts = [`FREQ=${freq}`, `INTERVAL=${pick("1", "1", "2", "3", "5")}`];
  if (below(3) === 0) parts.push(`BYMONTH=${pick("1", "2", "3,9", "6,7,8")}`);
  if (freq === "DAILY" && below(3) === 0) parts.push(`BYDAY=${pick("MO,TU,WE,TH,FR", "SU")}`);
  if (freq === "WEEKLY" && below(2) === 0) parts.push(`BYDAY=${pick("MO", "TU,TH", "SA,SU")}`);
  if (freq === "MONTHLY") {
    const choice = below(3);
    if (choice === 0) parts.push(`BYDAY=${pick("1MO", "-1FR", "2TU,4TU", "5WE")}`);
    if (choice === 1) parts.push(`BYMONTHDAY=${pick("1", "31", "-1", "29,30")}`);
  }
  if (freq === "YEARLY" && below(4) === 0) parts.push(`BYMONTHDAY=${pick("1", "15", "29")}`);
  return parts.join(";");
}

/** Whether a rule has a date, decided from that date alone, without any iteration. */
function hasDate(start: string, rule: string, date: string): boolean {
  if (date <= start) return date === start;
  const part = Object.fromEntries(rule.split(";").map((each) => each.split("="))) as Record<
    string,
    string
  >;
  const interval = Number(part["INTERVAL"]);
  const [fromYear, fromMonth, fromDay] = start.split("-").map(Number) as [number, number, number];
  const [year, month, day] = date.split("-").map(Number) as [number, number, number];
  const [fromNumber, number] = [start, date].map((each) => dayNumber(each) as number) as [
    number,
    number,
  ];
  const lastDay = new Date(Date.UTC(year, month, 0)).getUTCDate();
  const weekday = (of: number) => WEEKDAYS[(of + 3) % 7] as string;
  const week = (of: number) => Math.floor((of + 3) / 7);
  const byDay = part["BYDAY"]?.split(",");
  const byMonthDay = part["BYMONTHDAY"]?.split(",").map(Number);
  if (part["BYMONTH"] && !part["BYMONTH"].split(",").includes(String(month))) return false;
  if (byMonthDay && !byMonthDay.includes(day) && !byMonthDay.includes(day - lastDay - 1))
    return false;
  switch (part["FREQ"]) {
    case "DAILY":
      return (number - fromNumber) % interval === 0 && (byDay?.includes(weekday(number)) ?? true);
    case "WEEKLY":
      return (
        (week(number) - week(fromNumber)) % interval === 0 &&
        (byDay ?? [weekday(fromNumber)]).includes(weekday(number))
      );
    case "MONTHLY": {
      if (((year - fromYear) * 12 + month - fromMonth) % interval !== 0) return false;
      if (byMonthDay) return true;
      if (!byDay) return day === fromDay;
      const nth = [Math.ceil(day / 7), -Math.ceil((lastDay - day + 1) / 7)];
      return nth.some((position) => byDay.includes(`${position}${weekday(number)}`));
    }
    default:
      if ((year - fromYear) % interval !== 0) return false;
      return (
        byMonthDay !== undefined ||
        (day === fromDay && (part["BYMONTH"] ? true : month === fromMonth))
      );
  }
}

describe("recurrence rules", () => {
  it("agree with a predicate that looks at one date alone, for 200 random rules", () => {
    const random = randomFrom(7);
    for (let round = 0; round < 200; round += 1) {
      const rule = randomRule(random);
      const start = addDays("2005-01-01", random.below(3_650));
      const first = addDays("2008-01-01", random.below(7_300));
      const window = Array.from({ length: 150 }, (_, day) => addDays(first, day));
      const text = icsOf(
        vevent(`DTSTART;VALUE=DATE:${start.replaceAll("-", "")}`, `RRULE:${rule}`),
      );
      const [event] = parseIcs("random.ics", text).events;
      if (event === undefined) throw new Error(`${rule} was not parsed`);
      const budget = { candidates: 10_000 };
      const starts = startsBetween(event, first, window.at(-1) as string, budget)
        .map(dateOf)
        .sort();
      const expected = window.filter((date) => hasDate(start, rule, date));
      expect(starts, `${rule} from ${start}`).toEqual(expected);
    }
  });

  it("cost little however long ago they began", () => {
    for (const freq of ["DAILY", "WEEKLY", "MONTHLY", "YEARLY"]) {
      const text = icsOf(vevent("DTSTART;VALUE=DATE:19000101", `RRULE:FREQ=${freq}`));
      const [event] = parseIcs("old.ics", text).events;
      const budget = { candidates: 100 };
      if (event !== undefined) startsBetween(event, "2026-03-01", "2026-03-05", budget);
      expect(budget.candidates, freq).toBeGreaterThan(0);
    }
  });
});
