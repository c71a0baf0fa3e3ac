// The protocol revisions that the requests speak.

export const MODERN = "2026-07-28";
export const LEGACY = "2025-11-25";
