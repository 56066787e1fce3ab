/** Owns what a digest tells of one job, before it is put into words. */

/** In order of importance. */
export const SECTIONS = ['failed', 'waits', 'silent', 'runs', 'queued', 'finished', 'cancelled'] as const;
export type Section = (typeof SECTIONS)[number];

export interface DigestItem {
  readonly section: Section;
  readonly id: string;
  readonly job: string;
  /** The job that it belongs to. */
  readonly parent?: string | undefined;
  /** Lower first; then the newest, of what waits and runs the oldest. */
  readonly rank: number;
  /** What it is ordered by; ISO 8601. */
  readonly at: string;
  /** In nika's words. */
  readonly facts: readonly string[];
  /** In the words of a job, an agent or a tool: one line. */
  readonly clause: string;
  /** Since the cursor, where there is one. */
  readonly isNew: boolean;
  readonly costUsd: number;
}

/** Of its children, how many are told with it, by section. */
export type Folded = ReadonlyMap<string, ReadonlyMap<Section, number>>;

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

/** `45s`, `3m`, `2h10m`, `3d`: as much as one decides by. */
export const roughly = (ms: number): string => {
  if (!Number.isFinite(ms)) return '?';
  if (ms < MINUTE_MS) return `${Math.max(0, Math.round(ms / 1000))}s`;
  if (ms < HOUR_MS) return `${Math.floor(ms / MINUTE_MS)}m`;
  if (ms >= DAY_MS) return `${Math.floor(ms / DAY_MS)}d`;
  const minutes = Math.floor((ms % HOUR_MS) / MINUTE_MS);
  return `${Math.floor(ms / HOUR_MS)}h${minutes === 0 ? '' : `${minutes}m`}`;
};

/** How long it is late; `undefined`: it is not. */
export const overdueMsOf = (deadline: string | undefined, nowMs: number): number | undefined => {
  const lateMs = deadline === undefined ? Number.NaN : nowMs - Date.parse(deadline);
  return lateMs > 0 ? lateMs : undefined;
};

/** Whether it is late, and was not at `sinceMs`. */
export const isLateSince = (deadline: string | undefined, nowMs: number, sinceMs: number): boolean => {
  const lateMs = overdueMsOf(deadline, nowMs);
  return lateMs !== undefined && lateMs <= nowMs - sinceMs;
};

/** A fact; empty: it is not late. */
export const overdueText = (deadline: string | undefined, nowMs: number): string => {
  const lateMs = overdueMsOf(deadline, nowMs);
  return lateMs === undefined ? '' : `overdue by ${roughly(lateMs)}`;
};

export const usd = (costUsd: number): string => `$${costUsd < 0.01 ? costUsd.toFixed(4) : costUsd.toFixed(2)}`;
