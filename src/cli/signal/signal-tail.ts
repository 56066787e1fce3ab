/** Owns `nika signal tail`: what went to a JOB, from Redis; where that is away, from the copies on the bus of this home. */
import type { Home } from '../../config/home.ts';
import { tryParseLine } from '../../bus/line.ts';
import type { Settings } from '../../config/settings.ts';
import { readLastSignals, SignalReader } from '../../ipc/signals/signal-reader.ts';
import { isReply, type Signal, signalSchema } from '../../ipc/signals/signal.ts';
import type { EntityId } from '../../model/id.ts';
import { createKeys } from '../../redis/keys.ts';
import { openReader, openWriter } from '../../redis/link.ts';
import { parseCount, parseTime } from '../bus/bus-query.ts';
import { closedPipe, interruption, watchReader } from '../ending.ts';
import { clip, printable } from '../format.ts';
import type { Terminal } from '../terminal.ts';

export interface TailFlags {
  readonly follow?: true;
  readonly lines: string;
  readonly since?: string;
  readonly home?: string;
  readonly json?: true;
}

interface Wish {
  readonly job: EntityId;
  readonly count: number;
  readonly sinceMs: number | undefined;
  readonly isFollowing: boolean;
}

const REACH_MS = 2_000;
const PIPE_COLUMNS = 500;

const rowOf = (signal: Signal, terminal: Terminal): string => {
  const { ts, kind, name, from, body } = signal;
  const what = !isReply(signal) ? kind : kind === 'result' ? 'answer' : 'refusal';
  const columns = terminal.isInteractive ? terminal.columns : PIPE_COLUMNS;
  const text = `${ts.slice(11, 23)}  ${what.padEnd(8)}  ${from ?? 'outside'}  ${name}  ${JSON.stringify(body)}`;
  return clip(printable(text), columns);
};

const print = (signals: readonly Signal[], flags: TailFlags, terminal: Terminal): void => {
  for (const signal of signals)
    terminal.print(`${flags.json === true ? JSON.stringify(signal) : rowOf(signal, terminal)}\n`);
};

/** From Redis; why not, where it cannot be reached. */
const tailRedis = async (
  { job, count, sinceMs, isFollowing }: Wish,
  redis: Settings['redis'],
  end: AbortSignal,
  tell: (signals: readonly Signal[]) => void,
): Promise<string | undefined> => {
  if (redis.kind === 'off') return 'no Redis is configured';
  await using link = await openWriter(redis);
  if (!(await link.untilKnown(REACH_MS, end))) return link.status.kind === 'down' ? link.status.why : 'no answer';
  const key = createKeys(redis.prefix).signals(job);
  const last = await readLastSignals(link, { key, job, count, sinceMs });
  if (last.kind !== 'done') return last.why;
  tell(last.value.signals);
  if (!isFollowing) return undefined;
  await using _reader = new SignalReader({
    openLink: () => openReader(redis),
    key,
    job,
    afterId: last.value.lastId,
    onSignals: (signals) => tell(signals.map(({ signal }) => signal)),
  });
  await untilAborted(end);
  return undefined;
};

const untilAborted = async (signal: AbortSignal): Promise<void> => {
  const { promise, resolve } = Promise.withResolvers<void>();
  const alive = setInterval(() => undefined, 2 ** 30); // the reader holds no process
  signal.addEventListener('abort', () => resolve(), { once: true });
  if (!signal.aborted) await promise;
  clearInterval(alive);
};

/** A copy on the bus: redacted, and of a long body only the head. */
const signalOf = (text: string): readonly Signal[] => {
  const line = tryParseLine(text);
  if (line === undefined) return [];
  const { signal_id: id, ...data } = line.data;
  const parsed = signalSchema.safeParse({ name: '', ...data, id, ts: line.ts, meta: line.meta });
  return parsed.success ? [parsed.data] : [];
};

const tailBus = async (wish: Wish, home: Home, end: AbortSignal, tell: (signals: readonly Signal[]) => void) => {
  const { toTs } = await import('../../bus/query/time-span.ts');
  const { busDir } = home;
  const { job, count, sinceMs, isFollowing } = wish;
  const regex = new RegExp(`"to":"${job.replaceAll('.', '\\.')}"`);
  const query = { type: 'signal', regex, ...(sinceMs === undefined ? {} : { sinceTs: toTs(sinceMs) }) };
  if (!isFollowing) {
    const { readLastLines } = await import('../../bus/query/last-lines.ts');
    const texts = await readLastLines({ busDir, query, count, files: 'alpha' });
    tell(texts.flatMap(signalOf));
    return;
  }
  const { followLines } = await import('../../bus/query/follow.ts');
  for await (const texts of followLines({ busDir, query, last: count, signal: end })) tell(texts.flatMap(signalOf));
};

export const tailSignals = async (name: string, flags: TailFlags, terminal: Terminal): Promise<void> => {
  const [{ loadSettings }, { openBus }, { resolveTarget }] = await Promise.all([
    import('../../config/settings.ts'),
    import('../bus/open-bus.ts'),
    import('./signal-target.ts'),
  ]);
  const { home } = openBus(flags.home, terminal);
  const { redis } = loadSettings(home, terminal.env);
  const isFollowing = flags.follow === true;
  const wish: Wish = {
    job: await resolveTarget(name, home.busDir),
    count: parseCount('--lines', flags.lines),
    sinceMs: flags.since === undefined ? undefined : parseTime('--since', flags.since).fromMs,
    isFollowing,
  };
  using reader = watchReader();
  const end = isFollowing
    ? AbortSignal.any([closedPipe(terminal), reader.signal, interruption()])
    : new AbortController().signal;
  const tell = (signals: readonly Signal[]): void => print(signals, flags, terminal);
  const why = await tailRedis(wish, redis, end, tell);
  if (why === undefined || end.aborted) return;
  terminal.warn(
    `${terminal.paint('yellow', 'nika:')} local only: what was sent from this home, as its bus tells (${why})`,
  );
  await tailBus(wish, home, end, tell);
};
