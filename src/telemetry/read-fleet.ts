/** Owns the reading of `nika:fleet:state`: all sessions of all hosts in one round trip. Never rejects. */
import { z } from 'zod';
import type { RedisTarget } from '../config/redis/redis-settings.ts';
import { entityIdSchema } from '../model/id.ts';
import { WAIT_REASONS } from '../model/message.ts';
import { createKeys, type Keys } from '../redis/keys.ts';
import { type Link, openWriter } from '../redis/link.ts';

const fleetPodSchema = z.object({
  seenAtMs: z.number(),
  entity: entityIdSchema,
  job: z.string(),
  status: z.string(),
  host: z.string(),
  pid: z.int(),
  home: z.string().default(''),
  attempt: z.int().default(1),
  parent: z.string().nullable().default(null),
  domain: z.string().default(''),
  intent: z.string().default(''),
  started_at: z.string(),
  last_tool: z
    .object({ tool: z.string(), what: z.string(), at: z.string(), running: z.boolean() })
    .nullable()
    .default(null),
  calls: z.int().default(0),
  errors: z.int().default(0),
  tokens: z.number().default(0),
  cost_usd: z.number().default(0),
  unpriced_tokens: z.number().default(0),
  why: z.string().nullable().default(null),
  reason: z.enum(WAIT_REASONS).nullable().default(null).catch(null),
  waiting_since: z.string().nullable().default(null),
  degraded: z.array(z.string()).default([]),
});

/** As its session told it last; times of its host's clock, but `silentMs`: that is of Redis's own. */
export interface FleetPod extends Omit<z.infer<typeof fleetPodSchema>, 'seenAtMs'> {
  readonly session: string;
  /** Since its last sign of life. */
  readonly silentMs: number;
}

export type Fleet =
  | { readonly kind: 'read'; readonly pods: readonly FleetPod[] }
  | { readonly kind: 'unreachable'; readonly why: string };

/** Values that are not ours, or of a later version that says less, are left out. */
const parsePod = (session: string, json: string, nowMs: number): FleetPod | undefined => {
  try {
    const parsed = fleetPodSchema.safeParse(JSON.parse(json));
    if (!parsed.success) return undefined;
    const { seenAtMs, ...rest } = parsed.data;
    return { ...rest, session, silentMs: Math.max(0, nowMs - seenAtMs) };
  } catch {
    return undefined;
  }
};

const asList = (value: unknown): readonly string[] => (Array.isArray(value) ? value.map(String) : []);

/** HGETALL as a list of names and values by turns, or as an object: that depends on the protocol. */
const asPairs = (value: unknown): readonly (readonly [string, string])[] => {
  if (!Array.isArray(value)) return Object.entries(Object(value) as Record<string, string>);
  const list = asList(value);
  return list.flatMap((name, at) => (at % 2 === 0 ? [[name, list[at + 1] ?? ''] as const] : []));
};

/** Over a link that is there. */
export const askFleet = async (link: Link, { fleet }: Keys, withinMs: number): Promise<Fleet> => {
  const commands = [
    { name: 'time', args: [] },
    { name: 'hgetall', args: [fleet.name] },
  ];
  const [time, all] = await link.callAll(commands, { withinMs });
  if (time?.kind !== 'done') return { kind: 'unreachable', why: time?.why ?? 'no answer' };
  if (all?.kind !== 'done') return { kind: 'unreachable', why: all?.why ?? 'no answer' };
  const [seconds = 0, micros = 0] = asList(time.value).map(Number);
  const nowMs = seconds * 1000 + micros / 1000;
  const pods = asPairs(all.value).map(([session, json]) => parsePod(session, json, nowMs));
  return { kind: 'read', pods: pods.filter((pod) => pod !== undefined) };
};

/** Within that time, connecting included. */
export const readFleet = async (target: RedisTarget, withinMs: number): Promise<Fleet> => {
  await using link = await openWriter(target);
  const endMs = performance.now() + withinMs; // what it took to load the client is not Redis's doing
  const leftMs = (): number => Math.max(1, Math.round(endMs - performance.now()));
  if (!(await link.untilKnown(leftMs()))) {
    const { status } = link;
    return { kind: 'unreachable', why: status.kind === 'down' ? status.why : `no answer within ${withinMs} ms` };
  }
  return await askFleet(link, createKeys(target.prefix), leftMs()); // awaited here: the link is closed after it
};
