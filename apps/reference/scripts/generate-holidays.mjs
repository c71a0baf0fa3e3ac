// Writes data/holidays.json from the package date-holidays, which is a development dependency:
// at run time it would weigh 45 MB. Run `npm run generate:holidays` after changing a constant below.
import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";

const COUNTRIES = ["DE", "FR", "GB", "US"];
// The recorded weather begins in 2012, and both are asked for the same day.
const FIRST_YEAR = 2012;
const LAST_YEAR = 2028;

const require = createRequire(import.meta.url);
const Holidays = require("date-holidays");
const { version } = JSON.parse(
  readFileSync(new URL("../node_modules/date-holidays/package.json", import.meta.url), "utf8"),
);

/** The civil dates of one holiday: `date` is local wall time, `end` is exclusive. */
function datesOf(holiday) {
  const first = Date.parse(`${holiday.date.slice(0, 10)}T00:00:00Z`);
  const days = Math.max(1, Math.round((holiday.end - holiday.start) / 86_400_000));
  return Array.from({ length: days }, (_, day) =>
    new Date(first + day * 86_400_000).toISOString().slice(0, 10),
  );
}

function publicHolidays(country) {
  const calendar = new Holidays(country, { languages: ["en"], types: ["public"] });
  const seen = new Map();
  // A substitute day can fall into the year before or after its holiday (1 January on a Saturday).
  for (let year = FIRST_YEAR - 1; year <= LAST_YEAR + 1; year += 1) {
    for (const holiday of calendar.getHolidays(year)) {
      for (const date of datesOf(holiday))
        seen.set(`${date} ${holiday.name}`, { date, name: holiday.name });
    }
  }
  return [...seen.values()]
    .filter(
      ({ date }) => Number(date.slice(0, 4)) >= FIRST_YEAR && Number(date.slice(0, 4)) <= LAST_YEAR,
    )
    .sort((a, b) => (a.date === b.date ? a.name.localeCompare(b.name) : a.date < b.date ? -1 : 1));
}

const document = {
  source: `npm package date-holidays ${version}`,
  licence: "CC BY-SA 3.0 (data, from Wikipedia articles named in the package), ISC (code)",
  scope: "country-wide public holidays; regional ones are left out",
  firstYear: FIRST_YEAR,
  lastYear: LAST_YEAR,
  countries: Object.fromEntries(COUNTRIES.map((country) => [country, publicHolidays(country)])),
};

writeFileSync(
  new URL("../data/holidays.json", import.meta.url),
  `${JSON.stringify(document, null, 2)}\n`,
);
