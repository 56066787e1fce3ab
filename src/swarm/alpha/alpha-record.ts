/** Owns `run/alpha/<session>.json`: which process is an Alpha of this home, and how it stands. */
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { entityIdSchema, sessionIdSchema } from '../../model/id.ts';
import { podProcessSchema } from '../../pod/registry/pod-record.ts';
import { podLiveness } from '../../pod/registry/pod-status.ts';

const roleSchema = z.object({
  /** `active`, `standby`, `starting`, `ended`. */
  standing: z.string(),
  /** `lease`: over all hosts that share the Redis; `home`: for this home alone. */
  by: z.enum(['lease', 'home']).nullable(),
  /** Of a standby: who has it. */
  holder: z.string().nullable(),
  since: z.string().nullable(),
  /** What it follows: `feed`, `bus` (local only), `connecting`; null: nothing. */
  follows: z.string().nullable(),
  is_caught_up: z.boolean(),
  /** Of `bus`: why not the feed. */
  why: z.string().nullable(),
  from_feed: z.int(),
  from_bus: z.int(),
  repeated: z.int(),
  given_up: z.int(),
});

const alphaRecordSchema = z.object({
  v: z.literal(1),
  session: sessionIdSchema,
  entity: entityIdSchema,
  process: podProcessSchema,
  started_at: z.string(),
  at: z.string(),
  /** False: another Alpha of this home is at work, and this one stands by. */
  has_home: z.boolean(),
  roles: z.object({ orchestrator: roleSchema, monitor: roleSchema }),
  /** How many entities it knows, by state. */
  entities: z.record(z.string(), z.int()),
  stale_pods: z.int(),
  /** What failed last of its duties, by name. */
  failures: z.record(z.string(), z.object({ count: z.int(), why: z.string(), at: z.string() })),
  log: z.string(),
});

export type AlphaRecord = z.infer<typeof alphaRecordSchema>;
export type RoleRecord = z.infer<typeof roleSchema>;

export const alphaDir = (runDir: string): string => join(runDir, 'alpha');

const recordPath = (runDir: string, session: string): string => join(alphaDir(runDir), `${session}.json`);

/** @throws a system error */
export const writeAlphaRecord = (runDir: string, record: AlphaRecord): void => {
  const path = recordPath(runDir, record.session);
  mkdirSync(alphaDir(runDir), { recursive: true, mode: 0o700 });
  writeFileSync(`${path}.tmp`, JSON.stringify(record), { mode: 0o600 });
  renameSync(`${path}.tmp`, path);
};

export const removeAlphaRecord = (runDir: string, session: string): void =>
  rmSync(recordPath(runDir, session), { force: true });

const namesIn = (dir: string): readonly string[] => {
  try {
    return readdirSync(dir).filter((name) => /^[0-9a-f-]{36}\.json$/.test(name));
  } catch {
    return []; // none was ever started
  }
};

const tryRead = (path: string): AlphaRecord | undefined => {
  try {
    return alphaRecordSchema.safeParse(JSON.parse(readFileSync(path, 'utf8'))).data;
  } catch {
    return undefined; // removed meanwhile
  }
};

/** Those that live, the oldest first; what others left that were killed is removed. */
export const readAlphaRecords = (runDir: string): readonly AlphaRecord[] =>
  namesIn(alphaDir(runDir))
    .flatMap((name) => tryRead(join(alphaDir(runDir), name)) ?? [])
    .filter((record) => {
      const isGone = podLiveness(record.process) === 'gone';
      if (isGone) removeAlphaRecord(runDir, record.session);
      return !isGone;
    })
    .toSorted((a, b) => (a.started_at < b.started_at ? -1 : 1));
