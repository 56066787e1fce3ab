/**
 * Owns the lines of one imported session on the bus: those of a session as a pod writes them, with the agent's own times.
 *
 * W1. A line that is there already is not written again: its id is made of what it tells, and the bus is asked first.
 * W2. Each import of a session is a writer of its own, whose lines are in order of time: what `nika bus verify` knows of
 *     pods holds for it.
 * W3. Nothing is held back: where the bus does not take a line, the import ends, and the next one goes on.
 */
import { utimesSync } from 'node:fs';
import { createChain } from '../../../bus/chain.ts';
import { busPath, channelName } from '../../../bus/layout.ts';
import { BusWriter } from '../../../bus/writer.ts';
import type { Home } from '../../../config/home.ts';
import { toldMemory } from '../../../config/memory/told-memory.ts';
import type { Settings } from '../../../config/settings.ts';
import { bestEffortSync } from '../../../failopen/best-effort.ts';
import { NikaError } from '../../../model/error.ts';
import { eventIdFrom } from '../../../model/event-id.ts';
import type { PriceOf } from '../../../model/spending.ts';
import { UsageTotals } from '../../../model/usage.ts';
import { PodEntity, type EntityStanding } from '../../../pod/entity.ts';
import { weave } from '../../../pod/weave.ts';
import type { BodyEncoder } from '../../../recorder/body.ts';
import { digestKnownCall, digestKnownTurn } from '../../../recorder/digest/digest-known.ts';
import { Recorder } from '../../../recorder/recorder.ts';
import type { Stamp } from '../../../recorder/stamp.ts';
import type { HistorySession, SessionHead, Told, ToldCall, ToldSubEnd, ToldSubStart } from '../told.ts';
import { clipped, type ImportedMeta, jobMeta } from './imported-meta.ts';
import { toolUseOf } from './tool-use.ts';
import type { KnownEvents } from './known-events.ts';
import { priced } from './priced.ts';
import { endJob, summaryOf } from './session-end.ts';
import { eventDigest, type SessionIds, subEntityOf } from './session-ids.ts';
import { SessionTally } from './session-tally.ts';

export interface SessionWriterOptions {
  readonly home: Home;
  readonly settings: Settings;
  readonly encoder: BodyEncoder;
  /** Of nika. */
  readonly version: string;
  /** As the agent is called on the command line. */
  readonly label: string;
  readonly session: Pick<HistorySession, 'agent' | 'id' | 'place'>;
  readonly head: SessionHead;
  readonly ids: SessionIds;
  /** What is on the bus of this session. */
  readonly known: KnownEvents;
  /** And of sessions that begin with the same history. */
  readonly ofKin: readonly KnownEvents[];
  /** Of what the agent's files do not tell. */
  readonly priceOf: PriceOf;
  /** Nothing is written. */
  readonly isDryRun: boolean;
}

export class SessionWriter {
  readonly tally: SessionTally;
  readonly #options: SessionWriterOptions;
  readonly #bus: BusWriter;
  readonly #recorder: Recorder;
  readonly #meta: ImportedMeta;
  readonly #job: PodEntity;
  readonly #subs = new Map<string, PodEntity>();
  readonly #told = new Set<string>();
  #stamp: Stamp | undefined;
  /** Of this attempt. */
  #startedAtMs: number | undefined;
  #lastMs: number;
  /** Of lines in the last millisecond. */
  #count = 0;
  #unkeyedCount = 0;
  #isBegun = false;
  /** Lines that were, or with a dry run would be, written. */
  newLineCount = 0;
  newCallCount = 0;
  readonly newUsage = new UsageTotals();

  /** @throws {NikaError} `NIKA_BUS_KEY` */
  constructor(options: SessionWriterOptions) {
    this.#options = options;
    const { home, settings, encoder, head, known } = options;
    const { segmentBytes, backlog, keyFile } = settings.bus;
    const { busDir, runDir } = home;
    this.#bus = BusWriter.open({ busDir, runDir, chain: createChain(keyFile), segmentBytes, backlog });
    this.#lastMs = head.startedAtMs;
    this.tally = new SessionTally(head.startedAtMs);
    const stamp = (): Stamp => this.#stamp ?? this.#nextStamp('unkeyed', `${(this.#unkeyedCount += 1)}`);
    this.#recorder = new Recorder({ bus: this.#bus, encoder, mayKeepBlobs: () => true, stamp });
    this.#meta = jobMeta({ ...options, attempt: known.attempt });
    this.#job = new PodEntity(this.#meta, this.#recorder, standingOf(known, ''));
  }

  /** Writes what is not there yet. @throws {NikaError} `NIKA_IMPORT_STOPPED` (W3) */
  tell(asTold: Told): void {
    const told = priced(asTold, this.#options.priceOf);
    const { kind, key, atMs } = told;
    const event = eventOf(told);
    const name = `${event}\n${key}`;
    const { known, ofKin } = this.#options;
    if (this.#told.has(name) || ofKin.some((other) => other.has(event, key))) return;
    this.#told.add(name);
    if (!known.isSettled(event, key)) this.#tally(told);
    switch (kind) {
      case 'call':
        this.#put('call', key, atMs, () => this.#call(told));
        return;
      case 'usage':
        if (!known.has(kind, key)) this.newUsage.add(told.usage);
        this.#put('usage', key, atMs, () => this.#entityOf(told.sub).record('usage', told.usage));
        return;
      case 'turn':
        this.#put('turn', key, atMs, () => this.#job.record('agent_turn', told.turn));
        return;
      case 'sub start':
        this.#startSub(told);
        return;
      case 'sub end':
        this.#endSub(told);
    }
  }

  /** There was nothing to tell. */
  get isEmpty(): boolean {
    return this.#told.size === 0;
  }

  /** The session is over. @throws {NikaError} `NIKA_IMPORT_STOPPED` */
  finish(): void {
    const { attempt } = this.#options.known;
    if (this.isEmpty || (attempt > 1 && this.newLineCount === 0)) return;
    for (const [key, entity] of this.#subs) {
      if (!entity.isOver)
        this.#endSub({ kind: 'sub end', key, atMs: this.#lastMs, outcome: 'cancelled', summary: undefined });
    }
    const { tally } = this;
    const startedAtMs = this.#startedAtMs ?? tally.lastMs;
    this.#put('end', '', tally.lastMs, () => endJob(this.#job, tally, startedAtMs));
    this.#summarise(startedAtMs);
  }

  /** Resolves once all is on stable storage. @throws {NikaError} `NIKA_IMPORT_STOPPED`: it could not be put there */
  async close(): Promise<void> {
    const { home, ids, isDryRun } = this.#options;
    if (!isDryRun && this.newLineCount > 0) await this.#bus.sync();
    this.#bus[Symbol.dispose]();
    if (this.#bus.syncFailureCount > 0) throw stopped(home, 'the disk does not keep the lines of the import');
    if (isDryRun || this.newLineCount === 0) return;
    // Who asks for what happened since a time need not open it, and it is compressed as what is over for that long.
    const seconds = this.#lastMs / 1000;
    bestEffortSync('import.utimes', () => utimesSync(busPath(home.busDir, channelName(ids.entity)), seconds, seconds));
  }

  /** What this attempt comes to: also what an import that was broken off has written of it. */
  #tally(told: Told): void {
    const { head, known, ofKin, encoder, isDryRun } = this.#options;
    const isWhole = known.attempt === 1 && ofKin.length === 0; // what it was forked from was before it
    this.#startedAtMs ??= isWhole ? head.startedAtMs : told.atMs;
    this.tally.add(told);
    if (isDryRun || !known.has(eventOf(told), told.key)) return; // what is written is digested then
    const { digest } = this.#recorder;
    if (told.kind === 'call') digestKnownCall(encoder, digest, toolUseOf(told, this.#meta.session_id, head.cwd));
    else if (told.kind === 'turn') digestKnownTurn(encoder, digest, told.turn);
  }

  /** The first lines, before the first one that is new. */
  #begin(): void {
    this.#isBegun = true;
    const { head, session, version, known, ids, isDryRun } = this.#options;
    if (known.isEmpty && !isDryRun) this.#bus.createChannel(ids.entity);
    const { title, cwd = '', model, version: agentVersion } = head;
    const atMs = this.#startedAtMs ?? head.startedAtMs;
    const name = title === undefined ? {} : { name: clipped(title) };
    this.#put('created', '', atMs, () => this.#job.transition('created', 'entity_created', name));
    const woven = this.#weave('start');
    this.#put('start', `${known.attempt}`, atMs, () =>
      this.#job.record('session_start', { kind: 'pod', version, cwd, ...woven }),
    );
    this.#put('started', '', atMs, () => this.#job.transition('in_progress', 'entity_started', {}));
    this.#put('session', `${known.attempt}`, atMs, () =>
      this.#job.record('agent_session', {
        agent: session.agent,
        agent_session_id: session.id,
        ...(agentVersion === undefined ? {} : { version: agentVersion }),
        ...(model === undefined ? {} : { model }),
        transcript: session.place,
        ...(known.attempt === 1 ? {} : { resumed: true }),
        via: 'import',
      }),
    );
  }

  #call(told: ToldCall): void {
    const { turn, sub } = told;
    const event = toolUseOf(told, this.#meta.session_id, this.#options.head.cwd);
    this.#entityOf(sub).recordToolCall(event, { source: 'stream', ...(turn === undefined ? {} : { turn }) });
  }

  #startSub({ key, atMs, type, what, parent }: ToldSubStart): void {
    if (this.#subs.has(key)) return;
    const above = this.#entityOf(parent);
    const entityId = subEntityOf(this.#options.ids.session, key, atMs);
    const meta = { ...this.#meta, entity_id: entityId, entity_type: 'SUB', parent_id: above.id } as const;
    const standing = standingOf(this.#options.known, key);
    const entity = new PodEntity(meta, this.#recorder, standing, this.#meta.entity_id);
    this.#subs.set(key, entity);
    const told = what === undefined ? {} : { description: clipped(what) };
    this.#put('created', key, atMs, () => entity.transition('created', 'entity_created', { name: type, ...told }));
    this.#put('started', key, atMs, () => entity.transition('in_progress', 'entity_started', {}));
  }

  #endSub({ key, atMs, outcome, summary }: ToldSubEnd): void {
    const entity = this.#subs.get(key);
    if (entity === undefined) return;
    const said = summary === undefined ? {} : { summary: clipped(summary) };
    this.#put('end', key, atMs, () => {
      if (outcome === 'completed') {
        const result = summary === undefined ? {} : { result: summary };
        entity.transition('completed', 'job_completed', { ...said, ...result });
      } else if (outcome === 'failed') {
        entity.transition('failed', 'job_failed', { ...said, error: summary ?? 'it failed' });
      } else entity.transition('cancelled', 'job_cancelled', said);
    });
    const memory = toldMemory(this.#options.settings);
    this.#put('sub completed', key, atMs, () =>
      this.#job.record('subagent_completed', { sub_id: entity.id, ...said, memory }),
    );
  }

  /** Of the job where `sub` is missing, or nobody told of its beginning. */
  #entityOf(sub: string | undefined): PodEntity {
    if (sub === undefined) return this.#job;
    if (!this.#subs.has(sub)) {
      const start = { kind: 'sub start', key: sub, atMs: this.#lastMs, type: 'subagent' } as const;
      this.#startSub({ ...start, what: undefined, parent: undefined });
    }
    return this.#subs.get(sub) ?? this.#job;
  }

  #summarise(startedAtMs: number): void {
    const { cutBodies, lostBlobs } = this.#recorder.counts;
    const summary = summaryOf(this.tally, startedAtMs, { bodies_cut: cutBodies, blobs_lost: lostBlobs });
    const woven = this.#weave('summary');
    const { outcome, answer, error } = this.tally.lastTurn ?? {};
    const digest = this.#recorder.digestOf({ result: answer, error: outcome === 'failed' ? error : undefined });
    this.#put('summary', `${this.#options.known.attempt}`, this.tally.lastMs, () =>
      this.#job.record('session_end_summary', { ...summary, digest, ...woven, heads: [...this.#bus.heads()] }),
    );
  }

  /** For the line that is written next, of this kind: what it needs beside it goes before it (G8). */
  #weave(kind: string): ReturnType<typeof weave> {
    const { home, known, isDryRun } = this.#options;
    if (isDryRun || known.has(kind, `${known.attempt}`)) return { alpha_head: null, seen: [] };
    return weave(home.busDir, this.#bus.id, this.#job);
  }

  /** Writes a line unless it is there (W1). */
  #put(kind: string, key: string, atMs: number, write: () => void): void {
    const { known, isDryRun } = this.#options;
    if (known.has(kind, key)) {
      this.#lastMs = Math.max(this.#lastMs, atMs);
      return;
    }
    if (!this.#isBegun) this.#begin();
    this.newLineCount += 1;
    if (kind === 'call') this.newCallCount += 1;
    if (isDryRun) return;
    const outer = this.#stamp; // a call may begin the subagent that made it
    this.#stamp = this.#nextStamp(kind, key, atMs);
    write();
    this.#stamp = outer;
    if (this.#bus.isFailing) throw stopped(this.#options.home, 'the bus does not take the lines of the import');
  }

  #nextStamp(kind: string, key: string, atMs = this.#lastMs): Stamp {
    const inOrderMs = Math.max(atMs, this.#lastMs); // W2
    this.#count = inOrderMs === this.#lastMs ? this.#count + 1 : 0;
    this.#lastMs = inOrderMs;
    const digest = eventDigest(this.#options.ids.session, kind, kind === 'unkeyed' ? `${this.#bus.id}/${key}` : key);
    return { atMs: inOrderMs, id: eventIdFrom(inOrderMs, this.#count, digest) };
  }
}

/** What the first of its lines is called. */
const eventOf = ({ kind }: Told): string => (kind === 'sub start' ? 'created' : kind === 'sub end' ? 'end' : kind);

/** How an entity stands of which these lines are there. `key`: of the subagent; empty: the job. */
const standingOf = (known: KnownEvents, key: string): EntityStanding | undefined => {
  if (known.has('end', key)) return { state: 'completed', rev: 3 };
  if (known.has('started', key)) return { state: 'in_progress', rev: 2 };
  return known.has('created', key) ? { state: 'created', rev: 1 } : undefined;
};

const stopped = ({ busDir }: Home, why: string): NikaError =>
  new NikaError('NIKA_IMPORT_STOPPED', why, { subject: busDir });
