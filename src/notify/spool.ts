/**
 * Owns what waits to be sent: `run/notify/`, one file per notification and way, written by pods and removed by the sender.
 *
 * S1. A file is whole or not there. Its name says what it tells of: told twice, it is sent once.
 * S2. It is bounded; what has no room, or no disk, is counted where it can be (G3, G6).
 */
import { appendFileSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync, renameSync } from 'node:fs';
import { readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { makeFolder } from '../failopen/make-folder.ts';
import { errnoOf, errorMessage } from '../model/error.ts';
import { type Notice, noticeSchema } from '../model/notice.ts';

const DIR_MODE = 0o700;
const FILE_MODE = 0o600;
const ENDING = '.json';
const DROPPED = 'dropped';

export const MAX_SPOOLED = 1_000;
/** Each dropped one takes a line of about 60 bytes. */
const DROPPED_MAX_BYTES = 64 * 1024;

export const spoolDir = (runDir: string): string => join(runDir, 'notify');

const spooledSchema = z.object({
  v: z.literal(1),
  /** The same for each try, and for each time it is told. */
  id: z.string(),
  /** By which way: {@link keyOf}. */
  way: z.string(),
  way_name: z.string(),
  created_at: z.string(),
  /** Tries that have begun. */
  tries: z.int(),
  /** Not before; null: at once. */
  next_at: z.string().nullable(),
  last_error: z.string().nullable(),
  notice: noticeSchema,
});

export type Spooled = z.infer<typeof spooledSchema>;
export type SpooledFile = Spooled & { readonly file: string };

const fileOf = ({ id, way }: Spooled): string => `${id}.${way}${ENDING}`;
const textOf = ({ file: _file, ...spooled }: Spooled & { readonly file?: string }): string =>
  `${JSON.stringify(spooled)}\n`;

const isSpooled = (name: string): boolean => name.endsWith(ENDING) && name.startsWith('msg_');

/** Makes the folder, and the file that counts what is dropped: it takes its block of the disk while there is one. @throws a system error */
export const prepareSpool = (dir: string): void => {
  makeFolder(dir, DIR_MODE);
  writeFileSync(join(dir, DROPPED), '', { flag: 'a', mode: FILE_MODE });
  if (statSync(join(dir, DROPPED)).size === 0) appendFileSync(join(dir, DROPPED), '\n');
};

export type SpoolOutcome = { readonly kind: 'spooled' } | { readonly kind: 'dropped'; readonly why: string };

/** Puts it there to be sent, without waiting for the disk longer than `signal`. Never rejects. */
export const trySpool = async (dir: string, spooled: Spooled, signal: AbortSignal): Promise<SpoolOutcome> => {
  const path = join(dir, fileOf(spooled));
  try {
    const count = (await readdir(dir)).length;
    if (count > MAX_SPOOLED) return { kind: 'dropped', why: `${MAX_SPOOLED} notifications wait already` };
    await writeFile(`${path}.tmp`, textOf(spooled), { mode: FILE_MODE, signal });
    await rename(`${path}.tmp`, path); // S1
    return { kind: 'spooled' };
  } catch (thrown) {
    await rm(`${path}.tmp`, { force: true }).catch(() => undefined); // no disk at all
    return { kind: 'dropped', why: errnoOf(thrown) ?? errorMessage(thrown) };
  }
};

/** What has no room in the spool is counted beside it (S2). @throws a system error */
export const countDropped = (dir: string, what: string, why: string): void => {
  const path = join(dir, DROPPED);
  if ((statSync(path, { throwIfNoEntry: false })?.size ?? 0) > DROPPED_MAX_BYTES) return;
  appendFileSync(path, `${new Date().toISOString()} ${what} ${why.replaceAll(/\s+/g, ' ').slice(0, 60)}\n`, {
    mode: FILE_MODE,
  });
};

export interface Dropped {
  readonly at: string;
  readonly what: string;
  readonly why: string;
}

/** The oldest first. */
export const readDropped = (dir: string): readonly Dropped[] => {
  let text: string;
  try {
    text = readFileSync(join(dir, DROPPED), 'utf8');
  } catch {
    return []; // nothing was ever dropped
  }
  return text.split('\n').flatMap((line) => {
    const [at = '', what = '', ...why] = line.split(' ');
    return at === '' ? [] : [{ at, what, why: why.join(' ') }];
  });
};

/** Forgets the older half where the file has grown. @throws a system error */
export const trimDropped = (dir: string): void => {
  const path = join(dir, DROPPED);
  if ((statSync(path, { throwIfNoEntry: false })?.size ?? 0) < DROPPED_MAX_BYTES / 2) return;
  const lines = readFileSync(path, 'utf8').split('\n');
  writeFileSync(`${path}.tmp`, lines.slice(lines.length / 2).join('\n'), { mode: FILE_MODE });
  renameSync(`${path}.tmp`, path);
};

/** Names of the files that wait, the oldest names first; empty where there is no spool. */
export const listSpool = (dir: string): readonly string[] => {
  try {
    return readdirSync(dir).filter(isSpooled).toSorted();
  } catch {
    return []; // no pod of this home has ever notified anybody
  }
};

/** `undefined`: it is gone. `broken`: nobody can read it. */
export const readSpooled = (dir: string, file: string): SpooledFile | 'broken' | undefined => {
  let text: string;
  try {
    text = readFileSync(join(dir, file), 'utf8');
  } catch {
    return undefined;
  }
  try {
    const parsed = spooledSchema.safeParse(JSON.parse(text));
    return parsed.success ? { ...parsed.data, file } : 'broken';
  } catch {
    return 'broken'; // the power failed
  }
};

/** @throws a system error */
export const rewriteSpooled = (dir: string, spooled: SpooledFile): void => {
  const path = join(dir, spooled.file);
  writeFileSync(`${path}.tmp`, textOf(spooled), { mode: FILE_MODE });
  renameSync(`${path}.tmp`, path);
};

/** @throws a system error */
export const removeSpooled = (dir: string, file: string): void => {
  rmSync(join(dir, file), { force: true });
};

const TORN_AFTER_MS = 60_000;

/** What a writer that was killed left half written. @throws a system error */
export const removeTorn = (dir: string): void => {
  for (const name of readdirSync(dir).filter((one) => one.endsWith('.tmp'))) {
    const stat = statSync(join(dir, name), { throwIfNoEntry: false });
    if (stat !== undefined && Date.now() - stat.mtimeMs > TORN_AFTER_MS) rmSync(join(dir, name), { force: true });
  }
};

export const createSpooled = (
  notice: Notice,
  id: string,
  way: { readonly key: string; readonly name: string },
): Spooled => ({
  v: 1,
  id,
  way: way.key,
  way_name: way.name,
  created_at: new Date().toISOString(),
  tries: 0,
  next_at: null,
  last_error: null,
  notice,
});
