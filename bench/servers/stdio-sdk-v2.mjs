// Official SDK v2 over stdio: one instance from the factory serves the whole connection.
import { serveStdio } from "@modelcontextprotocol/server/stdio";
import { createSdkV2Server } from "../lib/sdk-v2-factory.mjs";

serveStdio(() => createSdkV2Server());
