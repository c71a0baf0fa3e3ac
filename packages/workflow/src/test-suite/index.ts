export { runJournalSuite } from "./run-journal-suite.ts";
