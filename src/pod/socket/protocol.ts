/**
 * Owns what is said on a pod's socket, each a frame of `frames.ts`. A request has an `id` of the client's, from 1 on; the
 * answer carries it as `re`. Answers come as they are ready, not in the order of the requests. The first request of a
 * connection is `hello`. What is wrong with the connection itself is said once, with `re: 0`, before it is closed.
 *
 * The same is spoken on the pipe between a supervisor and the module that it runs, where `tool_begin` and `tool_end`
 * are the hook itself; on the socket they, like `tool_call`, are what a program reports of itself.
 */
import { z } from 'zod';
import { type Signal, signalSchema } from '../../ipc/signals/signal.ts';
import { SIGNAL_KINDS } from '../../model/message.ts';
import type { StopReason } from '../ending.ts';
import { MEMORY_SCHEMAS, type MemoryAnswers } from '../memory/memory-protocol.ts';

const name = z.string().min(1).max(256);
/** Of a note, and of a message. */
export const NOTE_MAX_CHARS = 64 * 1024;
const text = z.string().max(NOTE_MAX_CHARS);
const count = z.int().min(1).optional();
const tokens = z.int().min(0).default(0);

const outcome = {
  ok: z.boolean(),
  response: z.unknown().optional(),
  error: z.string().optional(),
  duration_ms: z.number().min(0).optional(),
};

/** Operations by name, each with its fields. `task`: the name of a TASK that was started. */
export const REQUEST_SCHEMAS = {
  hello: z.object({ v: z.int().describe('Version of the protocol that the client speaks.'), client: name.optional() }),
  tool_call: z
    .object({ tool: name, input: z.unknown(), task: name.optional(), ...outcome })
    .describe('A finished call.'),
  tool_begin: z
    .object({ call: name, tool: name, input: z.unknown(), task: name.optional(), what: z.string().max(200).optional() })
    .describe('Asks whether the call may be made; answered by a verdict.'),
  tool_end: z.object({ call: name, ...outcome }).describe('The end of a call that was begun.'),
  usage: z
    .object({
      model: z.string().max(256).default(''),
      input_tokens: tokens.describe('Without those that came from or went into a cache.'),
      output_tokens: tokens,
      cache_read_tokens: tokens,
      cache_write_tokens: tokens,
      reasoning_tokens: z.int().min(0).optional(),
      cost_usd: z.number().min(0).optional().describe('Missing: by the price table.'),
      cost_later: z.boolean().optional().describe('It is told later, in a line of the scope run.'),
      scope: z.enum(['call', 'turn', 'run']).default('call'),
      turn: name.optional(),
      task: name.optional(),
    })
    .describe('Tokens that the program used. What is told does not overlap: the pod used the sum of it.'),
  note: z.object({ text, level: z.enum(['info', 'warn', 'error']).optional() }),
  task_start: z.object({
    task: name,
    keep: z
      .boolean()
      .optional()
      .describe('It outlives the connection; `nika report task start` has one for a moment only.'),
  }),
  task_end: z.object({
    task: name,
    outcome: z.enum(['completed', 'failed', 'cancelled']),
    summary: z.string().optional(),
  }),
  result: z.object({ value: z.unknown() }).describe("Sets the pod's result."),
  run_end: z
    .object({
      ok: z.boolean(),
      value: z.unknown().optional(),
      error: z.string().optional(),
      untold: z
        .object({ notes_lost: count, notes_cut: count, results_lost: count, usage_lost: count })
        .optional()
        .describe('What the module said and could not tell.'),
    })
    .describe('The module that the pod runs is done: what run() returned, or what it threw.'),
  facts: z.object({}).describe('What the pod is and how it stands.'),
  listen: z.object({}).describe('From now on messages to the pod are pushed to this connection.'),
  send: z.object({ text, from: name.optional() }).describe('A message to the pod.'),
  pause: z.object({}),
  unpause: z.object({}),
  stop: z.object({
    grace_ms: z.number().min(0).optional(),
    reason: z.string().max(500).optional(),
    keep_open: z.boolean().optional().describe('The job goes on with another attempt: its entity is not ended.'),
  }),
  kill: z.object({ reason: z.string().max(500).optional() }),
  answer: z
    .object({ allow: z.boolean(), reason: z.string().max(2000).optional(), call: name.optional() })
    .describe('To a call that waits for a person, the oldest if none is named.'),
  signal_send: z
    .object({
      to: z.string().max(120),
      name,
      body: z.unknown().optional(),
      kind: z.enum(['signal', 'result', 'error']).default('signal'),
    })
    .describe('Sends a signal to the pod of another JOB, in the name of this one.'),
  signal_request: z
    .object({
      to: z.string().max(120),
      name,
      body: z.unknown().optional(),
      deadline: z.union([z.string().max(40), z.number()]).optional(),
    })
    .describe(
      'Asks another pod; answered by what it answers, at its deadline (`5s`, or milliseconds; 30 s by default) at the latest.',
    ),
  signals: z
    .object({
      listener: name.describe('Chosen by the client; a new one hears what nobody else has heard, and all that comes.'),
      kinds: z.array(z.enum(SIGNAL_KINDS)).max(SIGNAL_KINDS.length).optional(),
      max: z.int().min(1).max(64).optional(),
      wait_ms: z.number().min(0).optional().describe('Default: until there are some.'),
    })
    .describe('The next signals to the pod, once there are some. Asked for again for more.'),
  signals_end: z.object({ listener: name }),
  signal_reply: z
    .object({ signal_id: name, ok: z.boolean(), body: z.unknown().optional(), error: z.string().max(4000).optional() })
    .describe('Answers a request, once.'),
  signal_deliver: z
    .object({ signal: signalSchema, wait: z.boolean().default(false) })
    .describe('From another pod of this home, or a person. `wait`: a request is answered with its reply.'),
  ...MEMORY_SCHEMAS,
} as const;

export type Op = keyof typeof REQUEST_SCHEMAS;
export type RequestOf<O extends Op> = z.infer<(typeof REQUEST_SCHEMAS)[O]>;
/** As a client may say it: what has a default can be left away. */
export type WishOf<O extends Op> = z.input<(typeof REQUEST_SCHEMAS)[O]>;
export type Request = { [O in Op]: { readonly op: O; readonly id: number } & RequestOf<O> }[Op];

/** What a call that was asked about may do. `input`: what it is to be called with, where a hook changed it. */
export type CallVerdict =
  | { readonly verdict: 'go'; readonly input?: unknown }
  | { readonly verdict: 'denied'; readonly reason: string };

export interface PodMessage {
  readonly text: string;
  readonly from?: string;
  readonly at: string;
}

export interface PodFacts {
  readonly session: string;
  readonly entity: string;
  readonly job: string;
  readonly status: string;
  readonly attempt: number;
  readonly pid: number;
  readonly home: string;
  readonly started_at: string;
  readonly calls: number;
  readonly errors: number;
  readonly tokens: number;
  readonly cost_usd: number;
  readonly tree: string;
}

export interface Answers extends MemoryAnswers {
  readonly hello: { readonly v: number; readonly session: string; readonly entity: string };
  readonly tool_call: Record<string, never>;
  readonly tool_begin: CallVerdict;
  readonly tool_end: Record<string, never>;
  /** null: nobody knows, or it is told later. */
  readonly usage: { readonly cost_usd: number | null };
  readonly note: Record<string, never>;
  readonly task_start: { readonly entity: string };
  readonly task_end: Record<string, never>;
  readonly result: Record<string, never>;
  readonly run_end: Record<string, never>;
  readonly facts: PodFacts;
  readonly listen: Record<string, never>;
  /** How many listened when it came. */
  readonly send: { readonly listeners: number };
  readonly pause: { readonly status: string };
  readonly unpause: { readonly status: string };
  readonly stop: Record<string, never>;
  readonly kill: Record<string, never>;
  readonly answer: { readonly call: string };
  readonly signal_send: SentSignal;
  /** What the other pod answered. */
  readonly signal_request: { readonly body: unknown };
  readonly signals: { readonly signals: readonly Signal[] };
  readonly signals_end: Record<string, never>;
  readonly signal_reply: Record<string, never>;
  readonly signal_deliver: { readonly reply?: SignalReply };
}

export interface SentSignal {
  readonly signal_id: string;
  /** `held`: Redis is away, and the pod is none of this home; it is sent when Redis is back, while the sender lives. */
  readonly via: 'redis' | 'home' | 'held';
}

/** What a request came to. */
export type SignalReply =
  | { readonly ok: true; readonly body: unknown }
  | { readonly ok: false; readonly error: string; readonly code?: string };

export type Answer<O extends Op = Op> =
  | ({ readonly re: number; readonly ok: true } & Answers[O])
  /** `v`: the version that the pod speaks, to a `hello` of one that it does not. */
  | { readonly re: number; readonly ok: false; readonly code: string; readonly message: string; readonly v?: number };

/**
 * An answer that takes its time (a person is asked, the pod is paused) is announced each second, so that a client can
 * tell it from a pod that hangs.
 */
export interface Waiting {
  readonly re: number;
  readonly waiting: true;
}

/** What a pod pushes to those who listen. */
export type Push =
  | ({ readonly push: 'message' } & PodMessage)
  /** The pod ends: what is under way is to be ended. `cause`: the reason as data. */
  | { readonly push: 'stop'; readonly reason: string; readonly cause?: StopReason };

/** What the socket's server asks of the pod behind it. Each throws NikaError for what is refused; nothing else is expected to throw. */
export interface PodDoor {
  /** `connection`: calls, tasks and listeners that a connection leaves behind when it closes are ended through `closed`. */
  readonly handle: <O extends Exclude<Op, 'hello'>>(
    op: O,
    request: RequestOf<O>,
    connection: DoorConnection,
  ) => Promise<Answers[O]> | Answers[O];
  readonly facts: () => PodFacts;
  /** The connection is gone: what it had begun is ended. */
  readonly closed: (connection: DoorConnection) => void;
}

export interface DoorConnection {
  /** Unique within the pod. */
  readonly number: number;
  readonly client: string;
  /** It is the pipe to the module that the pod runs, not the socket. */
  readonly isOwn: boolean;
  /** To one that has said `listen`. Never throws; without effect once the connection is closed. */
  readonly push: (push: Push) => void;
}
