/**
 * Owns every Redis key of nika: its name, type, cap and time to live, each written once (G5, G6; design, section 6).
 * Names are API: pinned by a test, documented in docs/reference/redis.md. No key has a `{`: each stands alone in a Cluster.
 */
import { NikaError } from '../model/error.ts';
import type { EntityId, SessionId } from '../model/id.ts';

const MINUTE_S = 60;
const HOUR_S = 60 * MINUTE_S;
const DAY_S = 24 * HOUR_S;

export type KeyType = 'stream' | 'hash' | 'zset' | 'string';

/** Bounds of what stands at a key; what is absent is not bounded by itself. */
export interface KeyCap {
  /** Entries of a stream, fields of a hash. */
  readonly maxCount?: number;
  /** Of one entry, or one value. */
  readonly maxBytes?: number;
  /** By Redis's own clock. */
  readonly maxAgeMs?: number;
  /** How many such keys one job may have. */
  readonly maxKeysPerJob?: number;
}

export interface KeyKind {
  /** With what varies in braces. */
  readonly pattern: string;
  readonly type: KeyType;
  readonly ttlS: number;
  /** What `ttlS` is counted from, where that is not the last write. */
  readonly ttlFrom?: string;
  readonly cap: KeyCap;
  /** Laid out; nothing writes it yet. */
  readonly isPlanned?: boolean;
  readonly holds: string;
}

const AFTER_JOB = 'the last sign of life of the job';

export const KEY_KINDS = {
  feed: {
    pattern: 'nika:feed:entities',
    type: 'stream',
    ttlS: DAY_S,
    cap: { maxCount: 1_000_000, maxAgeMs: DAY_S * 1000, maxBytes: 2000 },
    holds: 'Transitions and conditions: `id ts event entity_id entity_type session_id meta data`.',
  },
  signals: {
    pattern: 'nika:ipc:{job_id}',
    type: 'stream',
    ttlS: 2 * HOUR_S,
    ttlFrom: AFTER_JOB,
    cap: { maxCount: 10_000 },
    holds:
      'Signals of a job: `id kind name body from to correlation_id deadline ts meta`; `kind` is `result`, `signal`, `request` or `error`, `body` JSON of at most 32 KiB. What is empty is left out.',
  },
  artifact: {
    pattern: 'nika:wm:{job_id}:{artifact}',
    type: 'hash',
    ttlS: HOUR_S,
    ttlFrom: AFTER_JOB,
    cap: { maxBytes: 512 * 1024 - 1, maxKeysPerJob: 1000 },
    holds:
      'Working memory: `value content_type bytes sha256 session_id ts`; `ts` in ms is its version, the newest stands. Of one that was deleted, for an hour: `deleted ts session_id`.',
  },
  artifactIndex: {
    pattern: 'nika:wm:{job_id}',
    type: 'hash',
    ttlS: HOUR_S,
    ttlFrom: AFTER_JOB,
    cap: { maxCount: 1000 },
    holds:
      'Which artifacts a job may have, and when each was last put, in ms; one that is named here and has no key is none.',
  },
  contract: {
    pattern: 'nika:contract:{job_id}',
    type: 'hash',
    ttlS: 2 * HOUR_S,
    ttlFrom: AFTER_JOB,
    cap: { maxCount: 204 },
    holds:
      '`contract`: JSON of its steps, roles, inputs and outputs; `sha256 ts session_id` of it; `state:{step}`: `{state} {ms} {entity} {session}`, once it has begun; `step:{step}`: JSON of it, with output or reason.',
  },
  events: {
    pattern: 'agent:events:{session_id}',
    type: 'stream',
    ttlS: DAY_S,
    cap: { maxCount: 5000, maxBytes: 1000 },
    holds:
      'One trimmed entry per tool call: `event_id entity tool ok ms in_bytes out_bytes preview error`; `event_id` is that of its line on the bus, and its own id, whose first part is when the call was recorded, is made from that. `ok` is 1 or 0; what is empty is left out.',
  },
  state: {
    pattern: 'agent:state:{session_id}',
    type: 'hash',
    ttlS: 2 * HOUR_S,
    cap: {},
    holds:
      'Heartbeat: `status entity job attempt host pid started_at last_tool last_tool_at calls errors tokens cost why degraded dropped ended_at exit_code`; `rev` counts its versions (9007199254740991: another one said for it that it is over). Empty: there is nothing to say.',
  },
  metrics: {
    pattern: 'agent:metrics:{date}',
    type: 'hash',
    ttlS: 7 * DAY_S,
    cap: {},
    holds:
      'Daily counters per tool: `{tool}:calls`, `{tool}:errors`, `{tool}:ms`; `session:{session_id}` holds what each session has added so far.',
  },
  ipcMetrics: {
    pattern: 'nika:ipc:metrics:{date}',
    type: 'hash',
    ttlS: 7 * DAY_S,
    cap: {},
    holds:
      'Counters of the IPC itself: `published` (entries of the feed), `events` (of agent:events), `replayed` (late, after an outage), `dropped`, `outages`; `session:{session_id}` holds what each session has added so far.',
  },
  fleet: {
    pattern: 'nika:fleet:state',
    type: 'hash',
    ttlS: DAY_S,
    cap: { maxCount: 10_000 },
    holds:
      'One field per live session, JSON, written by the pod itself: the whole fleet in one round trip. `seenAtMs` is of Redis’s own clock.',
  },
  registry: {
    pattern: 'nika:registry:{capability}',
    type: 'zset',
    ttlS: MINUTE_S,
    ttlFrom: 'the last heartbeat (sent every 10 s)',
    cap: {},
    holds:
      'Who offers a capability: `{kind} {host} {session} {entity}`, by the time of its last heartbeat (Redis’s own clock). `ALL`: which capabilities there are.',
  },
  deadFeed: {
    pattern: 'nika:feed:dead',
    type: 'stream',
    ttlS: 7 * DAY_S,
    cap: { maxCount: 10_000 },
    holds:
      'Entries that a consumer failed to handle 5 times: `group entry consumer deliveries error`, and their own fields. `entry` is the id on the feed.',
  },
  capabilities: {
    pattern: 'nika:queue:capabilities',
    type: 'zset',
    ttlS: 30 * DAY_S,
    ttlFrom: 'the last job or worker',
    cap: { maxAgeMs: 30 * DAY_S * 1000 },
    holds: 'Which queues there are: a capability, and when a job was given to it last, or a worker asked for one.',
  },
  lease: {
    pattern: 'nika:lease:{name}',
    type: 'string',
    ttlS: 30,
    ttlFrom: 'the last renewal',
    cap: {},
    holds:
      'Who runs a job, who is Alpha, who is the monitor: `{token} {state} {holder}`. `token` rises with each new holder; `state` is `held`, or `settled` for 24 h: what was leased is over, and nobody gets it again.',
  },
} as const satisfies Record<string, KeyKind>;

export interface Key {
  readonly name: string;
  readonly type: KeyType;
  readonly ttlS: number;
  readonly cap: KeyCap;
}

const PART = /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/;

declare const isPart: unique symbol;
/** A name that people chose, safe as a part of a key; only {@link parseKeyPart} makes one. */
export type KeyPart = string & { readonly [isPart]: true };

/**
 * The name of an artifact, a capability or a lease.
 * @throws {NikaError} `NIKA_REDIS_BAD_NAME`
 */
export const parseKeyPart = (text: string): KeyPart => {
  if (PART.test(text)) return text as KeyPart;
  throw new NikaError('NIKA_REDIS_BAD_NAME', `"${text.slice(0, 120)}" cannot be part of a Redis key`, {
    subject: text.slice(0, 120),
  });
};

/** `undefined`: it cannot be one. */
export const tryKeyPart = (text: string): KeyPart | undefined => (PART.test(text) ? (text as KeyPart) : undefined);

/** `2026-11-20`, UTC. */
const dateOf = (at: Date): string => at.toISOString().slice(0, 10);

/** All keys, with the prefix of the settings (empty, or ending in a colon) before each. */
export const createKeys = (prefix: string) => {
  const key = (kind: keyof typeof KEY_KINDS, values: Readonly<Record<string, string>> = {}): Key => {
    const { pattern, type, ttlS, cap } = KEY_KINDS[kind];
    return {
      name: prefix + pattern.replaceAll(/\{(\w+)\}/g, (_, name: string) => values[name] ?? ''),
      type,
      ttlS,
      cap,
    };
  };
  return {
    feed: key('feed'),
    fleet: key('fleet'),
    deadFeed: key('deadFeed'),
    capabilities: key('capabilities'),
    signals: (job: EntityId): Key => key('signals', { job_id: job }),
    artifact: (job: EntityId, artifact: KeyPart): Key => key('artifact', { job_id: job, artifact }),
    artifactIndex: (job: EntityId): Key => key('artifactIndex', { job_id: job }),
    contract: (job: EntityId): Key => key('contract', { job_id: job }),
    events: (session: SessionId): Key => key('events', { session_id: session }),
    state: (session: SessionId): Key => key('state', { session_id: session }),
    metrics: (at: Date): Key => key('metrics', { date: dateOf(at) }),
    ipcMetrics: (at: Date): Key => key('ipcMetrics', { date: dateOf(at) }),
    registry: (capability: KeyPart): Key => key('registry', { capability }),
    /** `name`: an entity for its job, else `alpha`, `monitor` … */
    lease: (name: KeyPart | EntityId): Key => key('lease', { name }),
  } as const;
};

export type Keys = ReturnType<typeof createKeys>;

/** A lease of a time of its own (`swarm.lease`). */
export const leaseKey = (keys: Keys, name: string, ttlS: number): Key => ({
  ...keys.lease(name.length > 100 ? (name as EntityId) : parseKeyPart(name)),
  ttlS,
});
