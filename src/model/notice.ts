/** Owns what people are told of a pod by a notification: the JSON that commands and webhooks are given. */
import { z } from 'zod';
import { WAIT_REASONS } from './message.ts';

/** `budget`: a limit is reached, or nearly. `review`: somebody has to say whether what it came to is accepted. */
export const NOTICE_KINDS = ['finished', 'failed', 'waiting', 'lost', 'budget', 'review'] as const;
export type NoticeKind = (typeof NOTICE_KINDS)[number];

const podSchema = z.object({
  id: z.string(),
  session: z.string(),
  job: z.string(),
  domain: z.string(),
  intent: z.string(),
  attempt: z.int(),
  host: z.string(),
  home: z.string(),
  cwd: z.string(),
  started_at: z.string(),
});

const waitingSchema = z.object({
  reason: z.enum(WAIT_REASONS),
  why: z.string(),
  since: z.string(),
  more: z.int().describe('For how much more it waits besides.'),
});

const endSchema = z.object({
  outcome: z.string().describe('As in `session_end_summary` on the bus.'),
  exit_code: z.int(),
  duration_ms: z.number(),
  calls: z.int(),
  errors: z.int(),
  tokens: z.number().describe('0: no agent told of any.'),
  cost_usd: z.number(),
  error: z.string().nullable(),
  result: z.unknown().describe('As on the bus; of one that is longer than 2 kB the beginning: {$cut, bytes, head}.'),
});

export const noticeSchema = z.object({
  on: z.enum(NOTICE_KINDS).describe('What it tells.'),
  title: z.string().describe('A line for people.'),
  text: z.string().describe('What more there is to say, in a few lines.'),
  at: z.string().describe('When it happened.'),
  is_test: z.boolean().describe('Of "nika notify test": nothing happened.'),
  pod: podSchema,
  waiting: waitingSchema.nullable(),
  end: endSchema.nullable(),
});

/** Texts are redacted (G7), times ISO 8601. */
export type Notice = z.infer<typeof noticeSchema>;
