import { HealthChecker, MCPMetrics } from "@backplane/monitoring";

const checker = new HealthChecker({ checks: { fine: () => ({ status: "healthy" }) } });
if ((await checker.checkHealth()).status !== "healthy") throw new Error("not healthy");
const metrics = new MCPMetrics({ clients: [] });
metrics.close();
