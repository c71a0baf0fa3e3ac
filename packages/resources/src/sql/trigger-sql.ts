import { quoteIdentifier, type TableSettings } from "./sql-options.ts";

/** Longer payloads are refused by `pg_notify`, which would undo what the user wrote. */
const MAX_PAYLOAD_BYTES = 7_999;

/**
 * SQL that makes a table tell of its changes. Run it once, by the owner of the table; running it again changes
 * nothing. A key that is too long for a notification, and `TRUNCATE`, tell that everything may have changed.
 */
export function triggerSqlFor(table: TableSettings, channel: string): string {
  const names = [channel, table.name];
  const notify = quoteIdentifier(shortName(names, "notify"));
  const trigger = quoteIdentifier(shortName(names, "changed"));
  const truncated = quoteIdentifier(shortName(names, "emptied"));
  const keyOf = (row: "old" | "new"): string =>
    table.key.map((name) => `${row}.${quoteIdentifier(name)}::text`).join(", ");
  const tell = (row: "old" | "new", op: string): string =>
    `told := json_build_object('table', ${literal(table.name)}, 'key', json_build_array(${keyOf(row)}), 'op', ${op})::text;
    perform pg_notify(${literal(channel)}, case when octet_length(told) > ${MAX_PAYLOAD_BYTES} then '' else told end);`;
  return `create or replace function ${notify}() returns trigger language plpgsql as $backplane$
declare told text;
begin
  if tg_op = 'TRUNCATE' then
    perform pg_notify(${literal(channel)}, '');
  elsif tg_op = 'INSERT' then
    ${tell("new", "tg_op")}
  elsif tg_op = 'UPDATE' and (${keyOf("new")}) is not distinct from (${keyOf("old")}) then
    ${tell("new", "tg_op")}
  else
    ${tell("old", "'DELETE'")}
    if tg_op = 'UPDATE' then
      ${tell("new", "'INSERT'")}
    end if;
  end if;
  return null;
end $backplane$;
drop trigger if exists ${trigger} on ${table.relation};
create trigger ${trigger} after insert or update or delete on ${table.relation}
  for each row execute function ${notify}();
drop trigger if exists ${truncated} on ${table.relation};
create trigger ${truncated} after truncate on ${table.relation}
  for each statement execute function ${notify}();
`;
}

function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

/** Names are cut at 63 bytes; what tells them apart comes first. */
function shortName([channel, table]: readonly string[], what: string): string {
  return `backplane_${what}_${table}_${channel}`.slice(0, 63);
}
