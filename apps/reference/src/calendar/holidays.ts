import { z } from "zod";
import type { CivilDate } from "../civil-date.ts";
import { invalidInput, quote } from "../errors.ts";

export interface Holiday {
  readonly name: string;
  readonly date: CivilDate;
  /** ISO 3166-1 alpha-2. */
  readonly country: string;
}

const File = z.object({
  source: z.string(),
  firstYear: z.int(),
  lastYear: z.int(),
  countries: z.record(
    z.string().regex(/^[A-Z]{2}$/),
    z.array(z.object({ date: z.iso.date(), name: z.string() })),
  ),
});

/** Country-wide public holidays of a few countries and years. */
export interface Holidays {
  /** In alphabetical order. */
  readonly countries: readonly string[];
  /**
   * @throws {ToolExecutionError} −1001 for a country or a year outside the data: no holiday known is
   * not the same as none that day.
   */
  on(date: CivilDate, country: string): readonly Holiday[];
}

/** @param json the content of data/holidays.json. @throws when it has another form. */
export function readHolidays(json: unknown): Holidays {
  const { firstYear, lastYear, countries } = File.parse(json);
  const names = Object.keys(countries).sort();
  const byCountry = new Map(Object.entries(countries));
  return {
    countries: names,
    on(date, country) {
      const code = country.trim().toUpperCase();
      const days = byCountry.get(code);
      if (days === undefined) {
        const known = `Known countries: ${names.join(", ")}.`;
        throw invalidInput(
          "country",
          country,
          `Unknown country ${quote(country)}. ${known}`,
          names,
        );
      }
      const year = Number(date.slice(0, 4));
      if (year < firstYear || year > lastYear) {
        throw invalidInput(
          "date",
          date,
          `Holidays are known from ${firstYear} to ${lastYear}, not for ${date}. Leave the country out to get the events alone.`,
        );
      }
      return days
        .filter((holiday) => holiday.date === date)
        .map(({ name }) => ({ name, date, country: code }));
    },
  };
}
