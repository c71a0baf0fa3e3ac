export { Dashboard } from "./dashboard/dashboard.ts";
export type { DashboardOptions, DashboardServer } from "./dashboard/options.ts";
