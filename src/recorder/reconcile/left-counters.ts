/**
 * Owns the counts of sessions that ended while Redis was away: kept in `run/reconcile/counters/`, and told by the next
 * reconcile. They are totals, so that telling them twice counts nothing twice (G4).
 */
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { makeFolder } from '../../failopen/make-folder.ts';
import { bestEffortSync } from '../../failopen/best-effort.ts';
import { type SessionId, sessionIdSchema } from '../../model/id.ts';
import type { Keys } from '../../redis/keys.ts';
import type { Link } from '../../redis/link.ts';
import { addCounters } from '../../redis/scripts/add-counters.lua.ts';
import { runScripts } from '../../redis/scripts/script.ts';

const countSchema = z.object({
  /** Of which hash of the day. */
  hash: z.enum(['metrics', 'ipcMetrics']),
  /** ISO 8601, the beginning of the day, UTC. */
  day: z.string(),
  totals: z.record(z.string(), z.number()),
});

const fileSchema = z.object({
  v: z.literal(1),
  session: sessionIdSchema,
  /** {@link targetName} */
  target: z.string(),
  counts: z.array(countSchema),
});

export type LeftCount = z.infer<typeof countSchema>;

export interface LeftCounts {
  readonly session: SessionId;
  readonly target: string;
  readonly counts: readonly LeftCount[];
}

const CALL_MS = 3_000;
/** As long as such a hash lives. */
const KEPT_MS = 7 * 86_400_000;
const FILES_MAX = 10_000;

const dirOf = (runDir: string): string => join(runDir, 'reconcile', 'counters');

/** Best effort: a disk that is full keeps none. */
export const keepLeftCounts = (runDir: string, left: LeftCounts): void => {
  if (left.counts.length === 0 || !existsSync(runDir)) return;
  bestEffortSync('reconcile.counters', () => {
    makeFolder(dirOf(runDir), 0o700);
    writeFileSync(join(dirOf(runDir), `${left.session}.json`), JSON.stringify({ v: 1, ...left }), { mode: 0o600 });
  });
};

const namesIn = (dir: string): readonly string[] => {
  try {
    return readdirSync(dir).slice(0, FILES_MAX);
  } catch {
    return []; // nothing was ever left
  }
};

const readLeft = (path: string): LeftCounts | undefined => {
  try {
    const parsed = fileSchema.safeParse(JSON.parse(readFileSync(path, 'utf8')));
    return parsed.success ? parsed.data : undefined;
  } catch {
    return undefined;
  }
};

/** How many sessions' counts are in Redis now. What it does not take is left for the next one. */
export const tellLeftCounts = async (
  link: Link,
  keys: Keys,
  { runDir, target }: { readonly runDir: string; readonly target: string },
  signal: AbortSignal,
): Promise<number> => {
  let toldCount = 0;
  for (const name of namesIn(dirOf(runDir))) {
    if (signal.aborted) break;
    const path = join(dirOf(runDir), name);
    const left = readLeft(path);
    if (left !== undefined && left.target !== target) continue; // it is for another Redis
    const young = left?.counts.filter(({ day }) => Date.parse(day) > Date.now() - KEPT_MS) ?? [];
    const calls = young.map(({ hash, day, totals }) =>
      addCounters({ key: keys[hash](new Date(day)), session: left?.session ?? ('' as SessionId), totals }),
    );
    const outcomes = calls.length === 0 ? [] : await runScripts(link, calls, { withinMs: CALL_MS }, signal);
    if (!outcomes.every(({ kind }) => kind === 'done')) continue;
    bestEffortSync('reconcile.counters', () => rmSync(path, { force: true }));
    if (calls.length > 0) toldCount += 1;
  }
  return toldCount;
};
