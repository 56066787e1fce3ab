/**
 * Owns the points of a bus that stand (P2 of `point.ts`), streamed over its segments in bounded memory: what is asked of
 * the bus while Qdrant is away.
 *
 * B1. A segment that is known to have nothing of the span is not read (`segment-spans.ts`); one behind the span is read
 *     where it is asked for what is not over, since it may be over by now.
 * B2. Where a segment was passed over, an end whose beginning was not read may not be the first: the channel of the entity
 *     says it.
 * B3. Memory holds 20 bytes for each entity and session that was read of, and the points of roots that are not over (G6).
 */
import { channelName } from '../../bus/layout.ts';
import { tryParseLine } from '../../bus/line.ts';
import { readTypes } from '../../bus/query/read-types.ts';
import { FingerprintIndex } from '../../bus/read/verify/fingerprint-index.ts';
import { entityIdSchema } from '../../model/id.ts';
import { kindOfEntity, type MemoryFilter, type MemoryKind } from '../../model/memory.ts';
import { createPointFilter, isoOf, type PointFilter } from '../filter.ts';
import { MEMORY_TYPES, type MemoryPoint, pointOf } from '../point.ts';
import { headOf, type LineHead } from './head-of-line.ts';
import { SegmentSpans } from './segment-spans.ts';

export interface StandingLinesOptions {
  readonly busDir: string;
  readonly runDir: string;
  readonly filter: MemoryFilter;
  /** Told of bytes on disk as they were read, or passed over. */
  readonly onRead?: (bytes: number, totalBytes: number) => void;
  readonly signal: AbortSignal;
}

const END_TYPES = ['job_completed', 'job_failed', 'job_cancelled'] as const;
const isEnd = (type: string): boolean => END_TYPES.some((one) => one === type);

class StandingLines {
  readonly #options: StandingLinesOptions;
  readonly #matches: PointFilter;
  readonly #kinds: ReadonlySet<MemoryKind> | undefined;
  readonly #spans: SegmentSpans;
  readonly #fromTs: string;
  readonly #untilTs: string;
  readonly #wantsOpen: boolean;
  readonly #begun = new FingerprintIndex();
  readonly #over = new FingerprintIndex();
  readonly #open = new Map<string, MemoryPoint>();
  #hasPassedOver = false;

  constructor(options: StandingLinesOptions) {
    const { filter, runDir } = options;
    this.#options = options;
    this.#matches = createPointFilter(filter);
    this.#kinds = filter.kind === undefined ? undefined : new Set(filter.kind);
    this.#spans = new SegmentSpans(runDir);
    this.#fromTs = filter.fromMs === undefined ? '' : isoOf(filter.fromMs);
    this.#untilTs = filter.untilMs === undefined ? '~' : isoOf(filter.untilMs);
    this.#wantsOpen = filter.status?.includes('created') ?? true;
  }

  async *read(): AsyncGenerator<MemoryPoint> {
    const { busDir, onRead, signal } = this.#options;
    const reading = { busDir, types: MEMORY_TYPES, sinceMs: -Infinity, signal, wants: this.#wants };
    for await (const piece of readTypes(onRead === undefined ? reading : { ...reading, onRead })) {
      if (piece === 'lost') return; // from the beginning nothing can be lost
      for (const text of piece.texts) {
        const point = await this.#pointOf(text);
        if (point !== undefined) yield point;
      }
    }
    this.#spans.keep();
    yield* this.#open.values();
  }

  /** B1 */
  readonly #wants = (part: Parameters<SegmentSpans['of']>[0], begins: string): boolean => {
    const span = this.#spans.of(part, begins);
    if (span !== undefined && !this.#mayMatter(span)) {
      this.#hasPassedOver = true;
      return false;
    }
    this.#spans.begin(part, begins);
    return true;
  };

  #mayMatter({ first, last }: { readonly first: string; readonly last: string }): boolean {
    return last >= this.#fromTs && (this.#wantsOpen || first < this.#untilTs);
  }

  async #pointOf(text: string): Promise<MemoryPoint | undefined> {
    const head = headOf(text);
    if (head === undefined) return undefined;
    const { type, ts, subject, session } = head;
    this.#spans.see(ts);
    if (type === 'entity_created') {
      this.#begin(text, head);
      return undefined;
    }
    const key = isEnd(type) ? subject : session;
    const isFirst = !this.#over.has(key);
    this.#over.add(key);
    if (isEnd(type)) this.#open.delete(subject);
    if (!isFirst || !this.#isAskedFor(head)) return undefined;
    const line = tryParseLine(text);
    const point = line === undefined ? undefined : pointOf(line);
    if (line === undefined || point === undefined || !this.#matches(point.payload)) return undefined;
    const isSure = !this.#hasPassedOver || this.#begun.has(subject);
    return isSure || (await this.#isFirstOfChannel(head, line.entity, point.id)) ? point : undefined;
  }

  #begin(text: string, head: LineHead): void {
    const { subject } = head;
    this.#begun.add(subject);
    if (!this.#wantsOpen || !this.#isAskedFor(head) || this.#over.has(subject) || this.#open.has(subject)) return;
    const line = tryParseLine(text);
    const point = line === undefined ? undefined : pointOf(line);
    if (point !== undefined && this.#matches(point.payload)) this.#open.set(subject, point);
  }

  /** By what is known without parsing it. */
  #isAskedFor({ type, ts, subject }: LineHead): boolean {
    if (ts < this.#fromTs || ts >= this.#untilTs) return false;
    const kind = type === 'session_end_summary' ? 'session' : kindOfEntity(subject);
    return this.#kinds === undefined || this.#kinds.has(kind);
  }

  /** B2 */
  async #isFirstOfChannel({ type, subject, session }: LineHead, channel: string, id: string): Promise<boolean> {
    const { busDir, signal } = this.#options;
    const entity = entityIdSchema.safeParse(channel).data;
    if (entity === undefined) return true;
    const file = channelName(entity);
    const types = isEnd(type) ? END_TYPES : ['session_end_summary'];
    for await (const piece of readTypes({ busDir, types, file, sinceMs: -Infinity, signal })) {
      if (piece === 'lost') return true;
      for (const text of piece.texts) {
        const head = headOf(text);
        const isOfIt = isEnd(type) ? head?.subject === subject : head?.session === session;
        if (isOfIt) return tryParseLine(text)?.id === id;
      }
    }
    return true; // its channel is gone: the alpha bus is all there is
  }
}

/** Each once; what is not over comes last. @throws {NikaError} `NIKA_BUS_UNREADABLE`; the signal's reason */
export const readStanding = (options: StandingLinesOptions): AsyncGenerator<MemoryPoint> =>
  new StandingLines(options).read();
