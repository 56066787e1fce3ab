/**
 * Owns what stands in `run/memory/`: up to where the bus of this home is known to be in Qdrant, and how Qdrant stood when
 * it was last asked.
 *
 * C1. All that is remembered of before `place` is in Qdrant, or was taken out of it by retention.
 * C2. It holds for one Qdrant and one collection, and while the points of `samples` are there: who lost its data, or was
 *     given an older state of it, lacks some of them.
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import type { QdrantTarget } from '../../config/memory/qdrant-settings.ts';
import { MEMORY_SCHEMA } from '../../model/memory.ts';

const placeSchema = z.object({ begins: z.string(), byte: z.int().min(0) });

const cursorSchema = z.object({
  v: z.literal(1),
  /** Version of the points. */
  schema: z.literal(MEMORY_SCHEMA),
  /** {@link memoryTargetName} */
  target: z.string(),
  place: placeSchema,
  /** In the segment before, which may still be written to: its end is read once more. */
  turn: placeSchema.nullable().default(null),
  samples: z.array(z.string()),
  /** Not all of the bus was read yet: it is gone on with from `place`. */
  is_partial: z.boolean(),
  /** Then all of it is written again, not only what is missing. */
  is_rewrite: z.boolean().default(false),
  at: z.string(),
});
export type MemoryCursor = z.infer<typeof cursorSchema>;

/** Of a rebuild nothing was settled. */
export const isAtBeginning = ({ is_partial: isPartial, is_rewrite: isRewrite, place }: MemoryCursor): boolean =>
  isPartial && isRewrite && place.byte === 0;

const stateSchema = z.object({
  v: z.literal(1),
  target: z.string(),
  url: z.string(),
  collection: z.string(),
  standing: z.enum(['up', 'away', 'refused', 'other-shape']),
  /** Since when it is up, or is not, for whatever reason. */
  since: z.string(),
  why: z.string().nullable(),
  /** When that was last found. */
  at: z.string(),
  /** When all of the bus was last known to be there. */
  whole_at: z.string().nullable(),
  /** When what is too old was last taken out. */
  retained_at: z.string().nullable(),
});
/** Times are ISO 8601. No key stands in it. */
export type MemoryState = z.infer<typeof stateSchema>;

/** Nothing of a key. */
export const memoryTargetName = ({ url, collection }: QdrantTarget): string =>
  createHash('sha256')
    .update(JSON.stringify([url, collection]))
    .digest('hex')
    .slice(0, 32);

export const memoryDir = (runDir: string): string => join(runDir, 'memory');
const cursorPath = (runDir: string): string => join(memoryDir(runDir), 'cursor.json');
const statePath = (runDir: string): string => join(memoryDir(runDir), 'state.json');

const read = <T>(path: string, schema: z.ZodType<T>): T | undefined => {
  try {
    return schema.safeParse(JSON.parse(readFileSync(path, 'utf8'))).data;
  } catch {
    return undefined; // none yet, or torn
  }
};

const write = (path: string, value: MemoryCursor | MemoryState): void => {
  const dir = dirname(path);
  if (!existsSync(dir)) mkdirSync(dir, { mode: 0o700 }); // in run/, which is there: a home that was removed is not made again
  const written = `${path}.${process.pid}.tmp`;
  try {
    writeFileSync(written, JSON.stringify(value), { mode: 0o600 });
    renameSync(written, path);
  } finally {
    rmSync(written, { force: true });
  }
};

/** `undefined`: none, or of another version: all is compared. */
export const readMemoryCursor = (runDir: string): MemoryCursor | undefined => read(cursorPath(runDir), cursorSchema);
/** @throws a system error */
export const writeMemoryCursor = (runDir: string, cursor: MemoryCursor): void => write(cursorPath(runDir), cursor);
export const removeMemoryCursor = (runDir: string): void => rmSync(cursorPath(runDir), { force: true });

export const readMemoryState = (runDir: string): MemoryState | undefined => read(statePath(runDir), stateSchema);
/** @throws a system error */
export const writeMemoryState = (runDir: string, state: MemoryState): void => write(statePath(runDir), state);
