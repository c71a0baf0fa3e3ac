/** The text of a file: vite reads it so, and scripts/bundle.mjs does the same. */
declare module "*?raw" {
  const text: string;
  // biome-ignore lint/style/noDefaultExport: what an import of a file is
  export default text;
}
