/**
 * Owns the closing of pods that died without a word: what is left of their processes is ended, their session is ended on
 * the bus with its heads sealed, and their entity goes on to its next attempt or fails (design, sections 4 and 5).
 *
 * X1. One process closes a pod: it holds a lock that the kernel frees.
 * X2. Nothing is closed of which its process may still live.
 * X3. Of a pod with a lease only the attempt is ended.
 */
import { createChain } from '../../bus/chain.ts';
import { type BusLine, tryParseLine } from '../../bus/line.ts';
import { readEntity } from '../../bus/query/entities.ts';
import { readLastLines } from '../../bus/query/last-lines.ts';
import { readSessionTrace, type SessionTrace } from '../../bus/query/session-trace.ts';
import { removeRegistration } from '../../bus/registration.ts';
import { tryLock } from '../../bus/segments.ts';
import { BusWriter } from '../../bus/writer.ts';
import type { Home } from '../../config/home.ts';
import type { Settings } from '../../config/settings.ts';
import { bestEffort, bestEffortSync } from '../../failopen/best-effort.ts';
import { isTerminal } from '../../model/entity.ts';
import { type NikaMeta, nikaMetaSchema } from '../../model/envelope.ts';
import type { EntityId } from '../../model/id.ts';
import { createBodyEncoder } from '../../recorder/body.ts';
import { DigestFold } from '../../recorder/digest/digest-fold.ts';
import { sessionWork } from '../../recorder/digest/session-work.ts';
import { Recorder } from '../../recorder/recorder.ts';
import { type EntityStanding, PodEntity } from '../entity.ts';
import { weave } from '../weave.ts';
import { startReconcile } from '../reconcile/start-reconcile.ts';
import { treeOf } from '../tree/open-tree.ts';
import type { WorktreeEnd } from '../worktree/worktree-end.ts';
import type { PodEnd, PodRecord, WorktreeRecord } from './pod-record.ts';
import { statusOf } from './pod-status.ts';
import { removeLeftFiles } from './left-files.ts';
import { readRecord, readRecords, writeRecord } from './record-file.ts';
import { tellHeads } from './tell-heads.ts';
import { toldEnd } from './told-end.ts';

export interface LostOptions {
  readonly home: Home;
  readonly settings: Settings;
}

/** How a pod is closed that cannot do so itself. `cancelled`: a person killed it. */
export interface Closing {
  readonly status: PodEnd['status'];
  readonly error: string | null;
  readonly exitCode: number;
}

const LOST: Closing = {
  status: 'lost',
  error: 'the pod died without a word: its process is gone',
  exitCode: 1,
};

const TREE_GRACE_MS = 1_000;
const TREE_BUDGET_MS = 5_000;
const WORKTREE_BUDGET_MS = 2_000;

interface LeftWorktree {
  readonly end: WorktreeEnd;
  readonly record: WorktreeRecord;
}

/** What it left in its worktree, which stays; `undefined`: it has none of its own, or git does not say. */
const leftWorktree = async ({ worktree, entity }: PodRecord): Promise<LeftWorktree | undefined> => {
  if (worktree === null || worktree.owner !== entity) return undefined;
  const { lookAtWorktree, seenWorktree, worktreeEnd } = await import('../worktree/worktree-end.ts');
  const looked = await lookAtWorktree(worktree, process.env, WORKTREE_BUDGET_MS);
  if (looked.kind !== 'done') return undefined;
  return { end: worktreeEnd(worktree, looked.value, true), record: seenWorktree(worktree, looked.value, true) };
};

interface Ending {
  readonly how: Closing;
  readonly worktree: LeftWorktree | undefined;
  readonly fold: DigestFold;
}

/** Writes on the bus in the name of a session that is gone. */
class LostSession {
  readonly #options: LostOptions;
  readonly #record: PodRecord;
  readonly #trace: SessionTrace;
  readonly #closing: Closing;
  readonly #worktree: LeftWorktree | undefined;
  readonly #fold: DigestFold;

  constructor(options: LostOptions, record: PodRecord, trace: SessionTrace, { how, worktree, fold }: Ending) {
    this.#options = options;
    this.#record = record;
    this.#trace = trace;
    this.#closing = how;
    this.#worktree = worktree;
    this.#fold = fold;
  }

  async close(): Promise<void> {
    const { home, settings } = this.#options;
    const { busDir, runDir } = home;
    const { segmentBytes, backlog, keyFile } = settings.bus;
    const meta = this.#metaOf(this.#record.entity) ?? (await this.#metaOfEarlierAttempt());
    if (meta === undefined) return; // it died before the first line of all
    const bus = BusWriter.open({ busDir, runDir, chain: createChain(keyFile), segmentBytes, backlog });
    using _bus = bus;
    const { maxBodyBytes, redact } = settings.recorder;
    const encoder = createBodyEncoder({ maxBodyBytes, patterns: redact });
    const recorder = new Recorder({ bus, encoder, mayKeepBlobs: () => true });
    this.#endTasks(recorder);
    const view = await readEntity(busDir, this.#record.entity);
    const standing = view?.state === undefined ? undefined : { state: view.state, rev: view.rev };
    const job = new PodEntity(meta, recorder, standing);
    const { status, error } = this.#closing;
    if (status === 'lost') job.record('condition', { condition: 'pod_lost', detail: error ?? status });
    this.#endJob(job, standing);
    this.#endSession(job, bus);
    await recorder.settle();
  }

  #metaOf(entity: string): NikaMeta | undefined {
    const parsed = nikaMetaSchema.safeParse(this.#trace.entities.get(entity)?.meta);
    return parsed.success ? parsed.data : undefined;
  }

  /** It died before its own first line (in the queue, between two attempts): what stands on the bus is of an earlier session. */
  async #metaOfEarlierAttempt(): Promise<NikaMeta | undefined> {
    const { entity, session, attempt, process: by } = this.#record;
    const query = { entity };
    const [text] = await readLastLines({ busDir: this.#options.home.busDir, query, count: 1, files: 'all' });
    const meta = text === undefined ? undefined : tryParseLine(text)?.meta;
    const own = { session_id: session, attempt, host: by.host, pid: by.pid };
    const parsed = nikaMetaSchema.safeParse({ ...meta, ...own });
    return parsed.success ? parsed.data : undefined;
  }

  #endTasks(recorder: Recorder): void {
    for (const [id, { view }] of this.#trace.entities) {
      const meta = this.#metaOf(id);
      if (id === this.#record.entity || (meta?.entity_type !== 'TASK' && meta?.entity_type !== 'SUB')) continue;
      if (view.state === undefined || isTerminal(view.state)) continue;
      const channel = meta.entity_type === 'SUB' ? this.#channelOf(meta) : undefined;
      const task = new PodEntity(meta, recorder, { state: view.state, rev: view.rev }, channel);
      task.transition('failed', 'job_failed', { error: this.#closing.error ?? 'lost', code: this.#closing.status });
    }
  }

  /** A SUB has none of its own. */
  #channelOf({ parent_id: parent }: NikaMeta): EntityId {
    const above = parent === undefined ? undefined : this.#metaOf(parent);
    return above?.entity_type === 'SUB' ? this.#channelOf(above) : (parent ?? this.#record.entity);
  }

  #endJob(job: PodEntity, standing: EntityStanding | undefined): void {
    if (standing === undefined || isTerminal(standing.state)) return;
    if (this.#closing.status === 'awaiting_review') return; // whoever reviews it decides
    const { status, error: said } = this.#closing;
    const error = said ?? status;
    const { attempt, attempts, lease } = this.#record;
    const { calls, errors, callsByTool, usage } = this.#trace;
    const work = sessionWork({ calls, errors, byTool: Object.entries(callsByTool), usage });
    if (lease !== null) {
      // It ran a job of the queue, by whose lease alone may be said how that ended: another attempt, or none (X3).
      const left = { error, attempts_left: Math.max(0, attempts - attempt) };
      if (!this.#trace.hasFailedAttempt) job.record('attempt_failed', left);
    } else if (status === 'cancelled') job.transition('cancelled', 'job_cancelled', { reason: error, work });
    else if (attempt < attempts) {
      const left = { error, attempts_left: attempts - attempt };
      if (!this.#trace.hasFailedAttempt) job.record('attempt_failed', left);
    } else job.transition('failed', 'job_failed', { error, code: status, work });
  }

  #endSession(job: PodEntity, bus: BusWriter): void {
    const { calls, errors, callsByTool, usage, heads } = this.#trace;
    const { beat, started_at } = this.#record;
    const last = tellHeads(job, heads);
    job.record('session_end_summary', {
      outcome: this.#closing.status,
      exit_code: this.#closing.exitCode,
      duration_ms: Math.max(0, Date.parse(beat.at) - Date.parse(started_at)),
      calls,
      errors,
      calls_by_tool: callsByTool,
      ...(this.#worktree === undefined ? {} : { worktree: this.#worktree.end }),
      ...(usage.length === 0 ? {} : { usage: [...usage] }),
      dropped: beat.dropped,
      digest: this.#fold.digest({ resultJson: undefined, error: this.#closing.error ?? undefined }),
      ...weave(this.#options.home.busDir, bus.id, job),
      heads: last,
    });
  }
}

/** The end that a session wrote on the bus before it died, or else the one it is given now. */
const endOf = (record: PodRecord, trace: SessionTrace, closing: Closing): PodEnd => {
  const data = trace.end?.data ?? {};
  const said = data['outcome'];
  const at = trace.end?.ts ?? new Date().toISOString();
  const durationMs = Number(
    data['duration_ms'] ?? Math.max(0, Date.parse(record.beat.at) - Date.parse(record.started_at)),
  );
  if (typeof said !== 'string') {
    const { status, exitCode, error } = closing;
    return { status, outcome: status, exit_code: exitCode, at, duration_ms: durationMs, result: null, error };
  }
  const status =
    said === 'completed' || said === 'awaiting_review'
      ? said
      : said === 'interrupted' || said === 'cancelled'
        ? 'cancelled'
        : 'failed';
  const exitCode = Number(data['exit_code'] ?? 1);
  return { status, outcome: said, exit_code: exitCode, at, duration_ms: durationMs, result: null, error: null };
};

/** Ends what still runs of a pod whose supervisor is gone; the number that could not be ended. */
export const endLeftovers = async (record: PodRecord): Promise<number> => {
  const tree = treeOf(record.tree, { session: record.session, sinceTicks: Number(record.process.start_ticks) });
  const ended = await bestEffort('pod.leftovers', { withinMs: TREE_BUDGET_MS }, () =>
    tree.end({ graceMs: TREE_GRACE_MS }),
  );
  await bestEffort('pod.leftovers', { withinMs: TREE_BUDGET_MS }, () => tree.remove());
  return ended.kind === 'done' ? ended.value : tree.members().length;
};

/** Those who follow the feed hear of it too: who closes a pod has no link to Redis of his own (G4). */
const tellFeed = async ({ home, settings }: LostOptions): Promise<void> => {
  if (settings.redis.kind === 'on') await startReconcile(home, process.env);
};

/** It could not do so itself. Under the lock (X1), so once. */
const tellPeople = async ({ home, settings }: LostOptions, closed: PodRecord): Promise<void> => {
  if (settings.notify.length === 0) return;
  const { tellOfClosed } = await import('../notify/tell-of-closed.ts');
  await tellOfClosed({ home, ways: settings.notify, env: process.env }, closed);
};

const close = async (options: LostOptions, session: string, closing: Closing): Promise<PodRecord | undefined> => {
  const { busDir, runDir } = options.home;
  await using lock = await tryLock(busDir, `close/${session}`); // X1
  if (lock === undefined) return undefined;
  const record = readRecord(runDir, session);
  if (record === undefined || record.end !== null || statusOf(record) !== 'lost') return undefined; // X2
  await endLeftovers(record);
  const { writer, started_at } = record;
  const fold = new DigestFold();
  const onLine = (line: BusLine): void => fold.line(line);
  const trace = await readSessionTrace({ busDir, session, writer, sinceMs: Date.parse(started_at), onLine });
  const how = toldEnd(record, trace) ?? closing;
  const worktree = await leftWorktree(record);
  if (trace.end === undefined) await new LostSession(options, record, trace, { how, worktree, fold }).close();
  removeRegistration(runDir, writer);
  removeLeftFiles(runDir, record);
  const seen = worktree === undefined ? {} : { worktree: worktree.record };
  const closed: PodRecord = { ...record, ...seen, end: endOf(record, trace, how) };
  bestEffortSync('pod.record', () => writeRecord(runDir, closed)); // a full disk: the bus has it, or gets it next time
  await tellPeople(options, closed);
  return closed;
};

/**
 * Closes a pod whose process is gone (X2). `undefined`: another process does it, or it lives after all.
 * @throws {NikaError} `NIKA_BUS_UNREADABLE`, `NIKA_BUS_KEY`
 */
export const closeDead = async (
  options: LostOptions,
  session: string,
  closing: Closing = LOST,
): Promise<PodRecord | undefined> => {
  const closed = await close(options, session, closing);
  if (closed !== undefined) await tellFeed(options);
  return closed;
};

/** As {@link closeAllLost}, by who tells the feed himself. */
export const closeLostUntold = async (options: LostOptions): Promise<readonly PodRecord[]> => {
  const closed: PodRecord[] = [];
  for (const record of readRecords(options.home.runDir)) {
    if (record.end !== null || statusOf(record) !== 'lost') continue;
    const outcome = await bestEffort('pod.close-lost', { withinMs: 60_000 }, () =>
      close(options, record.session, LOST),
    );
    if (outcome.kind === 'done' && outcome.value !== undefined) closed.push(outcome.value);
  }
  return closed;
};

/** Closes all pods of this host that died; those that were closed. Best effort: a bus that cannot be read closes none. */
export const closeAllLost = async (options: LostOptions): Promise<readonly PodRecord[]> => {
  const closed = await closeLostUntold(options);
  if (closed.length > 0) await tellFeed(options);
  return closed;
};
