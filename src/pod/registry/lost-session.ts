/**
 * Owns the closing of sessions of Alpha and of workers that died without a word: their heads are sealed on the bus, as
 * those of dead pods are. By Alpha, and by a worker that starts.
 *
 * X1. One process closes a session: it holds a lock that the kernel frees.
 * X2. Nothing is closed of which its process may still live.
 */
import { createChain } from '../../bus/chain.ts';
import { ALPHA, type BusFileName, channelName } from '../../bus/layout.ts';
import { type BusLine, tryParseLine } from '../../bus/line.ts';
import { MTIME_SLACK_MS } from '../../bus/query/parts.ts';
import { findBusFile } from '../../bus/read/files.ts';
import { readLines } from '../../bus/read/lines.ts';
import { removeRegistration } from '../../bus/registration.ts';
import { tryLock } from '../../bus/segments.ts';
import { BusWriter } from '../../bus/writer.ts';
import { bestEffort } from '../../failopen/best-effort.ts';
import { entityIdSchema, type SessionId } from '../../model/id.ts';
import type { Head } from '../../model/message.ts';
import { createBodyEncoder } from '../../recorder/body.ts';
import { Recorder } from '../../recorder/recorder.ts';
import { PodEntity } from '../entity.ts';
import { weave } from '../weave.ts';
import type { LostOptions } from './lost.ts';
import { isOpenSession, type OpenSession, readOpenSessions, removeOpenSession } from './open-session.ts';
import { podLiveness } from './pod-status.ts';
import { tellHeads } from './tell-heads.ts';

const CLOSE_WITHIN_MS = 60_000;

/** Its own lines in a file since it began, and the one with which another closed it. */
async function* linesOf(name: BusFileName, busDir: string, open: OpenSession): AsyncGenerator<BusLine> {
  const mark = `"writer":"${open.writer}"`;
  const sinceMs = Date.parse(open.started_at) - MTIME_SLACK_MS;
  for (const part of findBusFile(busDir, name)?.parts ?? []) {
    if (part.mtimeMs < sinceMs) continue;
    for await (const lines of readLines(part)) {
      for (const { text, kind } of lines) {
        const mayBe = text.includes(mark) || (text.includes('"session_end_summary"') && text.includes(open.session));
        const line = kind === 'torn' || !mayBe ? undefined : tryParseLine(text);
        if (line !== undefined) yield line;
      }
    }
  }
}

interface Left {
  readonly heads: readonly Head[];
  readonly isEnded: boolean;
  readonly lastTs: string;
}

/** All that it wrote stands on the alpha bus too, which says in which channels. @throws {NikaError} `NIKA_BUS_UNREADABLE` */
const readLeft = async (busDir: string, open: OpenSession): Promise<Left> => {
  const heads = new Map<BusFileName, Head>();
  let isEnded = false;
  let lastTs = open.started_at;
  const take = (file: BusFileName, line: BusLine): void => {
    if (line.type === 'session_end_summary' && line.meta['session_id'] === open.session) isEnded = true;
    if (line.writer === open.writer) heads.set(file, { file, writer: line.writer, seq: line.seq, h: line.h });
  };
  const channels = new Set<BusFileName>();
  for await (const line of linesOf(ALPHA, busDir, open)) {
    take(ALPHA, line);
    if (line.writer === open.writer && line.ts > lastTs) lastTs = line.ts;
    const id = entityIdSchema.safeParse(line.entity);
    if (id.success) channels.add(channelName(id.data));
  }
  for (const channel of channels) for await (const line of linesOf(channel, busDir, open)) take(channel, line);
  return { heads: [...heads.values()], isEnded, lastTs };
};

const writeEnd = async ({ home, settings }: LostOptions, open: OpenSession, left: Left): Promise<void> => {
  const { busDir, runDir } = home;
  const { segmentBytes, backlog, keyFile } = settings.bus;
  using bus = BusWriter.open({ busDir, runDir, chain: createChain(keyFile), segmentBytes, backlog });
  const { maxBodyBytes, redact } = settings.recorder;
  const encoder = createBodyEncoder({ maxBodyBytes, patterns: redact });
  const recorder = new Recorder({ bus, encoder, mayKeepBlobs: () => true });
  const self = new PodEntity(open.meta, recorder);
  const heads = tellHeads(self, left.heads);
  self.record('session_end_summary', {
    outcome: 'lost',
    exit_code: 1,
    duration_ms: Math.max(0, Date.parse(left.lastTs) - Date.parse(open.started_at)),
    calls: 0,
    errors: 0,
    dropped: {},
    ...weave(busDir, bus.id, self),
    heads,
  });
  await recorder.settle();
};

const close = async (options: LostOptions, open: OpenSession): Promise<SessionId | undefined> => {
  const { busDir, runDir } = options.home;
  const { session, writer } = open;
  await using lock = await tryLock(busDir, `close/${session}`); // X1
  if (lock === undefined || !isOpenSession(runDir, session)) return undefined;
  const left = await readLeft(busDir, open);
  if (!left.isEnded && left.heads.length > 0) await writeEnd(options, open, left);
  removeRegistration(runDir, writer);
  removeOpenSession(runDir, session);
  return session;
};

/** Those that were closed. Best effort: a bus that cannot be read closes none. */
export const closeLostSessions = async (options: LostOptions): Promise<readonly SessionId[]> => {
  const closed: SessionId[] = [];
  for (const open of readOpenSessions(options.home.runDir)) {
    if (podLiveness(open.process) !== 'gone') continue; // X2
    const done = await bestEffort('session.close-lost', { withinMs: CLOSE_WITHIN_MS }, () => close(options, open));
    if (done.kind === 'done' && done.value !== undefined) closed.push(done.value);
  }
  return closed;
};
