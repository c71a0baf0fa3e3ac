import { JWTAuth } from "@backplane/auth";

const auth = new JWTAuth({
  secretKey: "a secret of more than thirty-two bytes, for this test",
  algorithms: ["HS256"],
  issuer: "https://tokens.example",
  audience: "https://mcp.example/mcp",
});
const token = await auth.issue({ sub: "ada", scopes: ["read"] });
if (token.split(".").length !== 3) throw new Error("no token");
