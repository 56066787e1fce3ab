/**
 * Owns the import of an agent's sessions, one after the other (issue "Real agents", History).
 *
 * B1. The bus is the truth: what stands there is not written again, whatever is remembered elsewhere.
 * B2. It may be ended anywhere, by Ctrl-C or a kill: the next one adds what is missing, and nothing else.
 * B3. Nothing of it is told to Redis: neither feed nor counters hear of the past (G1: no network at all).
 * B4. Memory holds one session's ids and a few of its lines, however large the history is (G6).
 */
import { tryLock } from '../../../bus/segments.ts';
import { createPriceOf } from '../../../config/prices/price-of.ts';
import type { Home } from '../../../config/home.ts';
import type { Settings } from '../../../config/settings.ts';
import { makeFolder } from '../../../failopen/make-folder.ts';
import { errorMessage, NikaError } from '../../../model/error.ts';
import type { PriceOf } from '../../../model/spending.ts';
import { totalTokens } from '../../../model/usage.ts';
import { type BodyEncoder, createBodyEncoder } from '../../../recorder/body.ts';
import { DiskWatch } from '../../../recorder/disk-watch.ts';
import { inOrder } from '../in-order.ts';
import type { HistoryForm, HistorySession, SessionHead, Unreadable } from '../told.ts';
import { ImportState, type NewNote } from './import-state.ts';
import { Kin } from './kin.ts';
import { KnownEvents } from './known-events.ts';
import { readRecordedLive } from './recorded-live.ts';
import { type SessionIds, sessionIdsOf } from './session-ids.ts';
import { SessionWriter } from './session-writer.ts';

export interface ImportOptions {
  readonly home: Home;
  readonly settings: Settings;
  readonly form: HistoryForm;
  readonly sessions: readonly HistorySession[];
  /** Of nika. */
  readonly version: string;
  readonly isDryRun: boolean;
  readonly onProgress: (progress: { readonly readBytes: number; readonly totalBytes: number }) => void;
  readonly onUnreadable: (unreadable: Unreadable) => void;
  /** Ends it after the session that is being read. */
  readonly signal: AbortSignal;
}

export interface ImportCounts {
  /** Sessions, by what became of them. */
  newCount: number;
  /** They had been imported, and there was more now. */
  grownCount: number;
  unchangedCount: number;
  /** nika was there: they are on the bus already. */
  recordedLiveCount: number;
  /** Nothing happened in them. */
  emptyCount: number;
  /** Of the new and the grown: written to within the last hour, so that their end comes with a later import. */
  openCount: number;
  /** Calls that were not there before. */
  callCount: number;
  lineCount: number;
  /** What they used that was not there before. */
  tokens: number;
  costUsd: number;
  /** Of models without a price. */
  unpricedTokens: number;
  readBytes: number;
  isInterrupted: boolean;
}

/** A session that was written to so lately may go on. */
const OPEN_MS = 3_600_000;
const DIR_MODE = 0o700;
/** Sessions whose lines may be on their way to stable storage while the next is read. */
const CLOSING_COUNT = 8;

/** The sessions that must be looked at, the oldest first. */
const byAge = (sessions: readonly HistorySession[]): readonly HistorySession[] =>
  sessions.toSorted((a, b) => a.changedAtMs - b.changedAtMs || (a.place < b.place ? -1 : 1));

interface Work {
  readonly session: HistorySession;
  readonly head: SessionHead;
  readonly ids: SessionIds;
}

class HistoryImport implements Disposable {
  readonly #options: ImportOptions;
  readonly #encoder: BodyEncoder;
  readonly #priceOf: PriceOf;
  readonly #state: ImportState;
  readonly #kin = new Kin();
  readonly #disk: DiskWatch;
  readonly #closing = new Set<Promise<void>>();
  readonly #totalBytes: number;
  #isDiskLow = false;
  /** Why a session could not be closed. */
  #failure: Error | undefined;
  readonly counts: ImportCounts = {
    newCount: 0,
    grownCount: 0,
    unchangedCount: 0,
    recordedLiveCount: 0,
    emptyCount: 0,
    openCount: 0,
    callCount: 0,
    lineCount: 0,
    tokens: 0,
    costUsd: 0,
    unpricedTokens: 0,
    readBytes: 0,
    isInterrupted: false,
  };

  constructor(options: ImportOptions) {
    this.#options = options;
    const { settings, home, form, sessions } = options;
    const { maxBodyBytes, redact } = settings.recorder;
    this.#encoder = createBodyEncoder({ maxBodyBytes, patterns: redact });
    this.#priceOf = createPriceOf(settings.prices);
    this.#state = new ImportState(home, form.kind);
    this.#totalBytes = sessions.reduce((sum, { bytes }) => sum + bytes, 0);
    this.#disk = DiskWatch.start({
      path: home.busDir,
      ...settings.disk,
      onChange: (room) => {
        this.#isDiskLow = room !== 'enough';
      },
    });
  }

  async run(live: ReadonlySet<string>): Promise<void> {
    const { sessions, signal, isDryRun } = this.#options;
    const work = this.#workOf(sessions, live);
    for (const one of work) {
      if (signal.aborted) break;
      this.#checkDisk();
      await this.#importOne(one);
    }
    await Promise.all(this.#closing);
    if (this.#failure !== undefined) throw this.#failure;
    this.counts.isInterrupted = signal.aborted;
    if (!isDryRun) this.#state.tidy();
  }

  [Symbol.dispose](): void {
    this.#disk[Symbol.dispose]();
  }

  #workOf(sessions: readonly HistorySession[], live: ReadonlySet<string>): readonly Work[] {
    const { kind } = this.#options.form;
    for (const { kin, session } of this.#state.notes) this.#kin.add(kin, session?.id, session?.entity);
    return byAge(sessions).flatMap((session) => {
      const isLive = live.has(session.id);
      const note = isLive ? undefined : this.#state.find(session);
      const isSettled = note !== undefined && (!note.open || isOpen(session));
      if (isLive) this.counts.recordedLiveCount += 1;
      if (isSettled && note.session !== null) this.counts.unchangedCount += 1;
      if (isSettled && note.session === null) this.counts.emptyCount += 1;
      const head = isLive || isSettled ? undefined : session.head();
      if (head === undefined) {
        if (!isLive && !isSettled) this.counts.emptyCount += 1;
        this.#read(session.bytes);
        return [];
      }
      const ids = sessionIdsOf(kind, session.id, head.startedAtMs);
      this.#kin.add(head.kin, ids.session, ids.entity);
      return [{ session, head, ids }];
    });
  }

  async #importOne({ session, head, ids }: Work): Promise<void> {
    const { home, settings, form, version, isDryRun } = this.#options;
    const known = await KnownEvents.read(home.busDir, ids);
    const ofKin = await this.#kin.known(home.busDir, head.kin, ids.session);
    const tools = { encoder: this.#encoder, priceOf: this.#priceOf };
    const options = { home, settings, ...tools, version, label: form.label };
    const writer = new SessionWriter({ ...options, session, head, ids, known, ofKin, isDryRun });
    const open = isOpen(session);
    let isWhole = true;
    const onUnreadable = (unreadable: Unreadable): void => {
      if (unreadable.line === 0) isWhole = false; // a file of it: it is tried again the next time
      this.#options.onUnreadable(unreadable);
    };
    let bytes = 0;
    const onBytes = (count: number): void => {
      bytes += count;
      this.#read(Math.min(count, Math.max(0, session.bytes - bytes + count)));
    };
    try {
      for await (const told of inOrder(session.read({ isOpen: open, onUnreadable, onBytes }))) writer.tell(told);
      if (!open) writer.finish();
    } catch (thrown) {
      await writer.close();
      throw thrown;
    }
    this.#read(Math.max(0, session.bytes - bytes));
    this.#count(writer, known, open);
    await this.#closeSoon(writer, isWhole ? noteOf({ session, head, ids }, writer, open) : undefined);
  }

  #count(writer: SessionWriter, known: KnownEvents, open: boolean): void {
    const { counts } = this;
    counts.callCount += writer.newCallCount;
    counts.lineCount += writer.newLineCount;
    for (const usage of writer.newUsage.byModel) {
      const tokens = totalTokens(usage);
      counts.tokens += tokens;
      counts.costUsd += usage.cost_usd ?? 0;
      if (usage.cost_usd === null) counts.unpricedTokens += tokens;
    }
    if (writer.isEmpty) counts.emptyCount += 1;
    else if (writer.newLineCount === 0) counts.unchangedCount += 1;
    else if (known.isEmpty) counts.newCount += 1;
    else counts.grownCount += 1;
    if (!writer.isEmpty && writer.newLineCount > 0 && open) counts.openCount += 1;
  }

  /** The next session is read while the lines of this one go to stable storage; then it is noted. */
  async #closeSoon(writer: SessionWriter, note: NewNote | undefined): Promise<void> {
    const { isDryRun } = this.#options;
    const close = async (): Promise<void> => {
      try {
        await writer.close();
        if (!isDryRun && note !== undefined) this.#state.add(note);
      } catch (thrown) {
        this.#failure ??= thrown instanceof Error ? thrown : new Error(errorMessage(thrown));
      }
    };
    const closing = close().then(() => {
      this.#closing.delete(closing);
    });
    this.#closing.add(closing);
    if (this.#closing.size >= CLOSING_COUNT) await Promise.race(this.#closing);
    if (this.#failure !== undefined) throw this.#failure;
  }

  #read(count: number): void {
    this.counts.readBytes += count;
    this.#options.onProgress({ readBytes: this.counts.readBytes, totalBytes: this.#totalBytes });
  }

  #checkDisk(): void {
    if (!this.#isDiskLow || this.#options.isDryRun) return;
    const { busDir } = this.#options.home;
    throw new NikaError('NIKA_IMPORT_STOPPED', 'the disk of the bus is nearly full', { subject: busDir });
  }
}

const noteOf = ({ session, head, ids }: Work, writer: SessionWriter, open: boolean): NewNote => ({
  place: session.place,
  id: session.id,
  bytes: session.bytes,
  changed_at_ms: session.changedAtMs,
  open,
  kin: head.kin ?? null,
  session: writer.isEmpty ? null : { id: ids.session, entity: ids.entity, started_at_ms: head.startedAtMs },
});

const isOpen = ({ changedAtMs }: HistorySession): boolean => Date.now() - changedAtMs < OPEN_MS;

/**
 * Imports the sessions.
 * @throws {NikaError} `NIKA_IMPORT_BUSY`, `NIKA_IMPORT_STOPPED`, `NIKA_BUS_UNREADABLE`, `NIKA_BUS_KEY`; a system error
 */
export const importHistory = async (options: ImportOptions): Promise<ImportCounts> => {
  const { home, form, isDryRun } = options;
  if (!isDryRun) makeFolder(home.busDir, DIR_MODE);
  await using lock = isDryRun ? undefined : await tryLock(home.busDir, 'import');
  if (lock === undefined && !isDryRun) {
    throw new NikaError('NIKA_IMPORT_BUSY', `another import into ${home.dir} is under way`, { subject: home.dir });
  }
  using work = new HistoryImport(options);
  await work.run(await readRecordedLive(home.busDir, form.kind));
  return work.counts;
};
