/**
 * Owns verifying one file of the bus, line by line, as bytes: what its chains say, and what its lines tell of others.
 *
 * D1. A line that fits its chain is as it was written: it needs no parsing. Only lines that do not fit are looked into.
 * H1. Of heads the alpha bus is heard on its own lines, and channels on channels: a message tells the same on both sides.
 *     The sums of its writer's record tell if it does not; then all is heard again at the end.
 * D2. What cannot be read is a torn line (a warning) only if a killed writer or a full disk can have left it so.
 */
import { stat } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { NikaError } from '../../../model/error.ts';
import { isChannelOnly, type Head } from '../../../model/message.ts';
import { ALPHA, type BusFileName } from '../../layout.ts';
import { type BusLine, tryParseLine } from '../../line.ts';
import { type Chunk, readChunks } from '../chunks.ts';
import type { BusFile, BusFilePart } from '../files.ts';
import { salvage } from '../salvage.ts';
import { BLOB_MARK } from './blobs.ts';
import type { Side } from './both-files.ts';
import { isCutLine } from './cut-line.ts';
import type { Place } from './finding.ts';
import { type LineForm, tryReadForm, tryReadOrigin } from './form.ts';
import { storyOf, tellsOfBus } from './line-story.ts';
import { RecentLines } from './recent-lines.ts';
import { addLeftover, removalKey, type Verification } from './verification.ts';
import { type ChainFile, WriterChain } from './writer-chain.ts';

/** Some bytes, and where they stand. */
interface Span {
  readonly bytes: Buffer;
  readonly start: number;
  readonly end: number;
  readonly place: Place;
}

/** How long a writer may take from the first to the last byte of a line. */
const IN_FLIGHT_MS = 20;
/** How recent the last write to a file may be that is written to now. */
const RECENT_MS = 2000;

/** Whether the file goes on behind `bytes`: then its last line was being written when it was read. */
const hasGrown = async ({ path }: BusFilePart, bytes: number): Promise<boolean> => {
  try {
    const { size, mtimeMs } = await stat(path);
    if (size > bytes || Date.now() - mtimeMs > RECENT_MS) return size > bytes;
    await sleep(IN_FLIGHT_MS);
    return (await stat(path)).size > bytes;
  } catch {
    return false; // renamed or compressed meanwhile: nobody writes it any more
  }
};

export class FileVerifier {
  readonly #state: Verification;
  readonly #file: BusFile;
  readonly #chainFile: ChainFile;
  readonly #side: Side;
  readonly #channelNumber: number;
  readonly #chains = new Map<string, WriterChain>();
  readonly #recent: RecentLines | undefined;
  #lastUnreadable: Place | undefined;

  /** `channelNumber`: of the file among all channels; -1: it is the alpha bus. */
  constructor(state: Verification, file: BusFile, channelNumber: number) {
    this.#state = state;
    this.#file = file;
    this.#chainFile = { name: file.name, chain: state.chain, log: state.log };
    this.#side = file.name === ALPHA ? 'alpha' : 'channel';
    this.#channelNumber = channelNumber;
    this.#recent = this.#side === 'alpha' ? new RecentLines() : undefined;
  }

  async run(): Promise<void> {
    this.#state.fileCount += 1;
    for (const part of this.#file.parts) await this.#part(part);
    const { name } = this.#file;
    for (const [writer, chain] of this.#chains) {
      this.#state.heads.set(name, writer, chain);
      addLeftover(this.#state, { file: name, writer, gaps: chain.gaps, strays: chain.strays });
    }
    this.#state.claims.forgetSettled(name);
  }

  async #part(part: BusFilePart): Promise<void> {
    const { signal, onRead, log } = this.#state;
    let bytes = 0;
    try {
      for await (const chunk of readChunks(part, signal === undefined ? {} : { signal })) {
        bytes += chunk.bytes.byteLength;
        if (chunk.kind !== 'rest' || (await this.#isEnded(part, chunk, bytes))) await this.#chunk(part, chunk);
        if (!part.compressed) onRead(chunk.bytes.byteLength);
      }
    } catch (thrown) {
      if (!part.compressed || !(thrown instanceof NikaError)) throw thrown;
      log.accuse('damaged', { path: part.path, line: 0 }, `from byte ${bytes} on ${thrown.message}`);
    }
    if (part.compressed) onRead(part.sizeBytes);
    this.#state.byteCount += bytes;
  }

  /** False: the last line of the file is being written just now. */
  async #isEnded(part: BusFilePart, { bytes }: Chunk, readBytes: number): Promise<boolean> {
    const isWhole = tryParseLine(bytes.toString('latin1')) !== undefined;
    return isWhole || part.compressed || !(await hasGrown(part, readBytes));
  }

  async #chunk({ path }: BusFilePart, { bytes, ends, count, firstLine }: Chunk): Promise<void> {
    const hasBlobs = bytes.includes(BLOB_MARK, 0, 'latin1');
    for (let index = 0, start = 0; index < count; index += 1) {
      const end = ends[index] ?? bytes.byteLength;
      if (end > start) this.#line({ bytes, start, end, place: { path, line: firstLine + index } }, hasBlobs);
      start = end + 1;
    }
    if (hasBlobs) await this.#state.blobs.settle(this.#state.signal);
  }

  #line(span: Span, hasBlobs: boolean): void {
    const { bytes, start, end, place } = span;
    const form = tryReadForm(bytes, start, end);
    if (form === undefined || !this.#tryFit(form, span)) this.#lookInto(form, span); // D1
    if (!hasBlobs) return;
    const text = bytes.toString('utf8', start, end);
    if (text.includes(BLOB_MARK)) this.#state.blobs.note(text, place);
  }

  #tryFit(form: LineForm, span: Span): boolean {
    const chain = this.#chain(form.writer);
    if (!chain.fits(form, span.bytes.subarray(span.start, form.bodyEnd))) return false;
    this.#state.fittingCount += 1;
    this.#onNext(form, span);
    if (form.type === 'redaction') this.#state.redactions.hear(span.bytes.toString('utf8', span.start, span.end));
    return true;
  }

  /** The chain has gone on to that line. */
  #onNext(form: LineForm, span: Span): void {
    const chain = this.#chain(form.writer);
    this.#count(form);
    if (chain.claims?.nextSeq === form.seq) this.#settleClaims(chain, form, span.place);
    if (tellsOfBus(form.type)) this.#hear(form, span);
  }

  #chain(writer: string): WriterChain {
    const known = this.#chains.get(writer);
    if (known !== undefined) return known;
    const started = new WriterChain(this.#chainFile, writer);
    started.claims = this.#state.claims.of(this.#file.name, writer);
    this.#chains.set(writer, started);
    return started;
  }

  #count(form: LineForm): void {
    const { type, writer, id } = form;
    this.#state.lineCount += 1;
    this.#recent?.add(form);
    const record = this.#state.records.of(writer);
    if (isChannelOnly(type)) return;
    if (type === 'session_start') record.hasSession = true;
    record.addMessage(id, this.#side);
    if (this.#side === 'channel') record.addChannel(this.#channelNumber);
  }

  #settleClaims(chain: WriterChain, { seq, h, writer }: LineForm, place: Place): void {
    for (const { toldAt } of chain.claims?.settle(seq, h) ?? []) this.#onRewritten(writer, place, toldAt);
  }

  #onRewritten(writer: string, place: Place, toldAt: Place): void {
    const message = `this line has another hash than the one told at ${toldAt.path}:${toldAt.line}: its chain was computed anew`;
    this.#state.log.accuse('rewritten', place, message, writer);
  }

  /** What a line tells of heads, writers and files. */
  #hear({ writer }: LineForm, { bytes, start, end, place }: Span): void {
    const { heads, sealed, removal } = storyOf(bytes.toString('utf8', start, end));
    const record = this.#state.records.of(writer);
    for (const head of heads) {
      record.addTold(head, this.#side);
      if ((head.file === ALPHA) === (this.#side === 'alpha')) this.#claim(head, place); // H1
    }
    if (removal !== undefined) this.#state.removals.add(removalKey(removal.writer, removal.file));
    for (const writer of sealed) this.#state.records.of(writer).isSealed = true;
  }

  #claim(head: Head, toldAt: Place): void {
    const chain = head.file === this.#file.name ? this.#chains.get(head.writer) : undefined;
    const known = chain?.hashAt(head.seq);
    if (known === head.h || this.#recent?.has(head) || this.#state.heads.holds(head)) return;
    if (!this.#state.claims.isNew(head)) return;
    if (known !== undefined) {
      this.#onRewritten(head.writer, toldAt, toldAt);
      return;
    }
    const list = this.#state.claims.add(head, toldAt, chain?.seq ?? 0);
    if (chain !== undefined) chain.claims = list;
  }

  /** A line that does not fit its chain, or has no such form: glued, torn or damaged. */
  #lookInto(form: LineForm | undefined, span: Span): void {
    const { bytes, start, end } = span;
    const text = bytes.toString('latin1', start, end);
    const line = tryParseLine(text);
    if (form !== undefined && line !== undefined) {
      if (!this.#tryTombstone(form, line, span)) this.#onUnfit(form, span);
    } else if (line !== undefined) {
      this.#onUnreadable(span, line, 'it does not have the form in which nika writes');
    } else {
      const pieces = salvage(text);
      const isDamaged = form !== undefined && pieces.length === 1 && !isCutLine(text);
      if (isDamaged) this.#onUnfit(form, span);
      else
        for (const { kind, ...at } of pieces)
          this.#piece({ ...span, start: start + at.start, end: start + at.end }, kind);
    }
  }

  /** A line whose body was taken out: whether it may is known at the end. */
  #tryTombstone(form: LineForm, line: BusLine, span: Span): boolean {
    const { redactions } = this.#state;
    const chain = this.#chain(form.writer);
    const previous = chain.h;
    if (!redactions.mayAccept(line) || !chain.passes(form)) return false;
    const { bytes, start, end, place } = span;
    const { writer, seq, h } = form;
    redactions.add({ file: this.#file.name, writer, seq, h, previous, place }, bytes.subarray(start, end));
    this.#onNext(form, span);
    return true;
  }

  #piece(span: Span, kind: 'whole' | 'torn'): void {
    const { bytes, start, end } = span;
    if (kind === 'torn') {
      this.#onTorn(span);
      return;
    }
    const form = tryReadForm(bytes, start, end);
    if (form === undefined || !this.#tryFit(form, span)) this.#lookInto(form, span);
  }

  #onUnfit(form: LineForm, { bytes, start, place }: Span): void {
    this.#count(form);
    const body = bytes.subarray(start, form.bodyEnd);
    this.#chain(form.writer).explain({ form, body, place, home: this.#homeOf(form) });
  }

  /** The file that the line says it belongs to, if it is not this one. */
  #homeOf({ entity, type }: LineForm): BusFileName | undefined {
    const channel: BusFileName = `channels/${entity}.jsonl`;
    const isHere = this.#side === 'alpha' ? !isChannelOnly(type) : channel === this.#file.name;
    return isHere || entity.startsWith('SUB-') ? undefined : channel;
  }

  #onTorn(span: Span): void {
    const { bytes, start, end, place } = span;
    const text = bytes.toString('latin1', start, end);
    const origin = tryReadOrigin(text);
    if (!isCutLine(text)) {
      this.#onUnreadable(span, origin, 'it cannot be read any more'); // D2
      return;
    }
    if (this.#isToldAlready(place)) return;
    const message = `${end - start} bytes of a line that was not finished: its writer was killed, or the disk was full`;
    this.#state.log.warn('torn', place, message, origin?.writer);
  }

  #onUnreadable({ start, end, place }: Span, origin: { writer: string; seq: number } | undefined, why: string): void {
    if (this.#isToldAlready(place)) return;
    if (origin !== undefined && (this.#chains.has(origin.writer) || origin.seq === 1)) {
      this.#chain(origin.writer).onDamaged(place, `line ${origin.seq} was changed: ${why}`);
    } else {
      this.#state.log.accuse('foreign', place, `${end - start} bytes that are no line of the bus`);
    }
  }

  /** A line of megabytes comes in pieces: it is told once. */
  #isToldAlready(place: Place): boolean {
    const last = this.#lastUnreadable;
    this.#lastUnreadable = place;
    return last?.path === place.path && last.line === place.line;
  }
}
