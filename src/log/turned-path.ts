/** `x.jsonl` → `x.1.jsonl`: where the older half of a log is. */
export const turnedPath = (path: string): string => path.replace(/(\.\w+)$/, '.1$1');
