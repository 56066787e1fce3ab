/**
 * Owns up to where the bus of this home is known to be on the feed: what makes the next look cheap.
 *
 * C1. Everything before `place` is on the feed, or too old for it; nothing of a session that lives and has not told it yet.
 * C2. It holds for one Redis, and while the entry that was the newest then is still there, or had to go by its age.
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import type { RedisTarget } from '../../config/redis/redis-settings.ts';

const cursorSchema = z.object({
  v: z.literal(1),
  /** Which Redis, and with which prefix; a hash. */
  target: z.string(),
  place: z.object({ begins: z.string(), byte: z.int().min(0) }).nullable(),
  /** When the first event was written for which `place` is not the end of the bus, or the bus was read to its end. By this host's clock. */
  sinceMs: z.number(),
  /** The newest entry of the feed then; null: it was empty. */
  feedId: z.string().nullable(),
  /** When it was made. */
  atMs: z.number(),
});

export type FeedCursor = z.infer<typeof cursorSchema>;

/** Nothing of a password. */
export const targetName = ({ at, db, prefix }: RedisTarget): string => {
  const where = 'sentinels' in at ? { kind: at.kind, sentinels: at.sentinels, name: at.name } : at;
  return createHash('sha256')
    .update(JSON.stringify([where, db, prefix]))
    .digest('hex')
    .slice(0, 32);
};

export const cursorPath = (runDir: string): string => join(runDir, 'reconcile', 'cursor.json');

/** `undefined`: none, or one that cannot be read: all is compared. */
export const readCursor = (runDir: string): FeedCursor | undefined => {
  try {
    const parsed = cursorSchema.safeParse(JSON.parse(readFileSync(cursorPath(runDir), 'utf8')));
    return parsed.success ? parsed.data : undefined;
  } catch {
    return undefined;
  }
};

/** @throws a system error */
export const writeCursor = (runDir: string, cursor: FeedCursor): void => {
  const path = cursorPath(runDir);
  const dir = dirname(path);
  if (!existsSync(dir)) mkdirSync(dir, { mode: 0o700 }); // in run/, which is there: a home that was removed is not made again
  const written = `${path}.${process.pid}.tmp`;
  try {
    writeFileSync(written, JSON.stringify(cursor), { mode: 0o600 });
    renameSync(written, path);
  } finally {
    rmSync(written, { force: true });
  }
};
