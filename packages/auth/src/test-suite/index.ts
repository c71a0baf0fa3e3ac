export {
  type IssuedToken,
  type OAuthServerOptions,
  type ScriptedOAuthServer,
  startOAuthServer,
  willingUser,
} from "./oauth-server.ts";
export { type RefreshLockSuiteOptions, refreshLockSuite } from "./refresh-lock-suite.ts";
export {
  type ReceivedRequest,
  type ScriptedPeer,
  type ScriptedReply,
  type ScriptedRoute,
  startScriptedPeer,
} from "./scripted-peer.ts";
export { tokenStoreSuite } from "./token-store-suite.ts";
