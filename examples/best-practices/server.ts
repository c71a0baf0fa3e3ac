import { createWeatherServer } from "./weather-server.ts";

const { server } = createWeatherServer({
  service: async (location) => (location === "Atlantis" ? undefined : { celsius: 22 }),
  // From the environment in real life: apiKeysFromEnvironment("MCP_API_KEYS").
  apiKeys: {
    app: { key: "example-key-of-the-app" },
    operator: { key: "example-key-of-the-operator", roles: ["operator"] },
  },
});

const { url } = await server.start({ port: Number(process.env.PORT ?? 8080), signals: true });
console.log(`MCP server at ${url}`);
