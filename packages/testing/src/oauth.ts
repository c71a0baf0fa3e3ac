export {
  type IssuedToken,
  type OAuthServerOptions,
  type ReceivedRequest,
  type ScriptedOAuthServer,
  type ScriptedPeer,
  type ScriptedReply,
  type ScriptedRoute,
  startOAuthServer,
  startScriptedPeer,
  willingUser,
} from "@backplane/auth/test-suite";
