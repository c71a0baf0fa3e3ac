// The `preinstall` script of the root. npm itself stops earlier, at the name of the catalog in
// pnpm-workspace.yaml; this stops whatever else would install here with its own layout.
if (!/^pnpm\//.test(process.env.npm_config_user_agent ?? "")) {
  console.error(
    [
      "",
      "This workspace is installed by its own scripts, with the pnpm version that it pins:",
      "",
      "  npm start   installs, builds and starts the reference server",
      "  npm test    installs, builds and runs the tests",
      "",
    ].join("\n"),
  );
  process.exit(1);
}
