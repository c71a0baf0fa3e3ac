export type {
  SqlQuery,
  SqlResourceProviderOptions,
  SqlTable,
} from "./sql/sql-options.ts";
export type { SqlClient, SqlPool, SqlResult } from "./sql/sql-pool.ts";
export { SqlResourceProvider } from "./sql/sql-provider.ts";
