/**
 * Owns the form of a signal: what one pod says to another on `nika:ipc:{job_id}` (seed: signaling). What travels is whole;
 * the copy on the bus is redacted (G7).
 */
import { z } from 'zod';
import { errorMessage, NikaError } from '../../model/error.ts';
import { type EntityId, entityIdSchema } from '../../model/id.ts';
import { SIGNAL_KINDS } from '../../model/message.ts';

/** Of the body, as JSON. More belongs into working memory, or a file: a stream holds up to 10,000 of them (G6). */
export const SIGNAL_BODY_MAX_BYTES = 32 * 1024;
export const NAME_MAX_CHARS = 256;

const jobId = entityIdSchema.refine((id) => id.startsWith('JOB-'), { error: 'signals go to JOBs' });

export const signalSchema = z.object({
  /** UUID, made by the sender: each reader takes it once. */
  id: z.string().min(1).max(100),
  kind: z.enum(SIGNAL_KINDS),
  /** What it is about, in the words of its sender. */
  name: z.string().max(NAME_MAX_CHARS),
  body: z.unknown(),
  /** The JOB that sent it; missing: a person, or a program outside. */
  from: jobId.optional(),
  /** The JOB that is meant. */
  to: jobId,
  /** Of a request: its own id. Of what answers it: that of the request. */
  correlation_id: z.string().max(100).optional(),
  /** Of a request, ISO 8601: after it nobody waits for the answer. */
  deadline: z.string().max(40).optional(),
  /** When it was made, ISO 8601. */
  ts: z.string().max(40),
  /** The sender's envelope, where it has one. */
  meta: z.record(z.string(), z.unknown()).optional(),
});

export type Signal = z.infer<typeof signalSchema>;

/** How many bytes of memory it is taken to have. */
export const signalBytes = ({ body, name }: Signal): number =>
  512 + 2 * name.length + 2 * (JSON.stringify(body) ?? '').length;

/** An answer to a request, good or bad; not a signal that only has such a kind. */
export const isReply = ({ kind, correlation_id }: Signal): boolean =>
  correlation_id !== undefined && (kind === 'result' || kind === 'error');

/**
 * The body as JSON says it; `null` for what JSON leaves out.
 * @throws {NikaError} `NIKA_SIGNAL_BODY`: no JSON, or too long
 */
export const plainBody = (body: unknown): unknown => {
  let json: string | undefined;
  try {
    json = JSON.stringify(body);
  } catch (thrown) {
    throw new NikaError('NIKA_SIGNAL_BODY', `the body is no JSON: ${errorMessage(thrown)}`, { cause: thrown });
  }
  if (json === undefined) return null; // undefined, a function, a symbol
  const bytes = Buffer.byteLength(json);
  if (bytes <= SIGNAL_BODY_MAX_BYTES) return JSON.parse(json);
  throw new NikaError(
    'NIKA_SIGNAL_BODY',
    `the body has ${bytes} bytes of JSON; ${SIGNAL_BODY_MAX_BYTES} are allowed: put it into working memory or a file, and send its name`,
  );
};

/** Names and values as they stand on the stream; what is empty is left out. */
export const fieldsOf = (signal: Signal): readonly string[] => {
  const { id, kind, name, body, from, to, correlation_id, deadline, ts, meta } = signal;
  const values = {
    id,
    kind,
    name,
    body: JSON.stringify(body),
    from,
    to,
    correlation_id,
    deadline,
    ts,
    meta: meta === undefined ? undefined : JSON.stringify(meta),
  };
  return Object.entries(values).flatMap(([key, value]) => (value === undefined ? [] : [key, value]));
};

const jsonOf = (text: string | undefined): unknown => (text === undefined ? undefined : (JSON.parse(text) as unknown));

/** Of an entry of the stream of a job. Whoever writes one by hand may leave away what the entry itself says. */
export const tryReadSignal = (entryId: string, fields: readonly string[], job: EntityId): Signal | undefined => {
  const values: Record<string, string> = {};
  for (let at = 0; at + 1 < fields.length; at += 2) values[fields[at] ?? ''] = fields[at + 1] ?? '';
  const { body, meta, ...rest } = values;
  try {
    const parsed = signalSchema.safeParse({
      id: entryId,
      kind: 'signal',
      name: '',
      to: job,
      ts: new Date(Number(entryId.split('-')[0])).toISOString(),
      ...rest,
      body: jsonOf(body) ?? null,
      ...(meta === undefined ? {} : { meta: jsonOf(meta) }),
    });
    return parsed.success ? parsed.data : undefined;
  } catch {
    return undefined;
  }
};
