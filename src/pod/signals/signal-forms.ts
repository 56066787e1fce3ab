/** Owns how a signal is told elsewhere: on the bus, as an answer to a request, and back. */
import { MAX_DURATION_MS, parseDurationMs } from '../../config/quantity.ts';
import { NAME_MAX_CHARS, type Signal } from '../../ipc/signals/signal.ts';
import { NikaError } from '../../model/error.ts';
import { entityTypeOf, type EntityId, parseEntityId } from '../../model/id.ts';
import type { MessageData } from '../../model/message.ts';
import type { Deadline } from '../api/signal-api.ts';
import type { SignalReply } from '../socket/protocol.ts';

/** Clocks of hosts differ by so much at most. */
const SKEW_MS = 10_000;

/** As it stands in `data` of its line on the bus. */
export const onBus = (signal: Signal): MessageData<'signal'> => {
  const { id, kind, name, body, from, to, correlation_id, deadline } = signal;
  return { kind, name, body, signal_id: id, from, to, correlation_id, deadline };
};

/** A request that nobody waits for any more. */
export const isExpired = ({ kind, deadline }: Signal): boolean =>
  kind === 'request' && deadline !== undefined && Date.parse(deadline) + SKEW_MS < Date.now();

/** @throws {NikaError} `NIKA_MODEL_BAD_ID` */
export const parseJobId = (text: string): EntityId => {
  const id = parseEntityId(text);
  if (entityTypeOf(id) === 'JOB') return id;
  throw new NikaError('NIKA_MODEL_BAD_ID', `"${text}" is no JOB: signals go to JOBs`, { subject: text });
};

export const replyOf = ({ kind, body }: Signal): SignalReply => {
  if (kind === 'result') return { ok: true, body };
  const { message, code } = Object(body) as { readonly message?: unknown; readonly code?: unknown };
  const told = typeof code === 'string' ? { code } : {};
  return { ok: false, error: typeof message === 'string' ? message : JSON.stringify(body), ...told };
};

/** The other way round. */
export const replyBody = (reply: SignalReply): unknown => {
  if (reply.ok) return reply.body;
  const { error: message, code } = reply;
  return code === undefined ? { message } : { message, code };
};

/** One that no reader would take is refused here: else it would be sent, and heard by nobody. @throws {NikaError} `NIKA_SIGNAL_NAME` */
export const parseSignalName = (name: unknown): string => {
  const isName = typeof name === 'string' && name.length > 0 && name.length <= NAME_MAX_CHARS;
  if (isName) return name;
  const what = typeof name === 'string' ? `has ${name.length} characters` : `is ${typeof name}`;
  throw new NikaError('NIKA_SIGNAL_NAME', `the name of a signal ${what}; it is a text of 1 to ${NAME_MAX_CHARS}`);
};

/** @throws {NikaError} `NIKA_SIGNAL_DEADLINE` */
export const parseDeadlineMs = (deadline: Deadline): number => {
  const ms = typeof deadline === 'string' ? parseDurationMs(deadline) : deadline;
  if (ms !== undefined && ms >= 1 && ms <= MAX_DURATION_MS) return ms;
  throw new NikaError('NIKA_SIGNAL_DEADLINE', `"${deadline}" is no duration such as 500ms, 5s or 1m`);
};
