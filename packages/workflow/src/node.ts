export { createFileJournal, type FileJournalOptions } from "./node/file-journal.ts";
