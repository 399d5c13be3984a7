/** What sorts things that are counted as they come, the newest first. */
export function newestFirst(count: number): string {
  return String(Number.MAX_SAFE_INTEGER - count).padStart(16, "0");
}
