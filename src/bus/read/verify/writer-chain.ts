/**
 * Owns following one writer's chain through one file (G8), and saying what happened where it breaks.
 *
 * V1. A line fits if its seq is the next one and its hash fits the hash before it. Nothing else is taken for well.
 * V2. After a break the chain goes on from the line's own hash, so that later damage is found too; what was expected is
 *     kept until a line fits again, since the next lines tell whether a line was changed, came in, or stands elsewhere.
 * V3. One break, one finding: what follows explains it better and adds no other.
 */
import { type Chain, type ChainHash, createChain } from '../../chain.ts';
import type { BusFileName } from '../../layout.ts';
import type { ClaimList } from './claims.ts';
import type { FindingKind, FindingLog, OpenFinding, Place } from './finding.ts';
import type { LineForm } from './form.ts';
import type { Gap, Stray } from './leftovers.ts';

/** A line as the chain sees it. */
export interface ChainLine {
  readonly form: LineForm;
  /** The bytes that its hash covers. */
  readonly body: Buffer;
  readonly place: Place;
  /** The file it says it belongs to, where that is another one. */
  readonly home: BusFileName | undefined;
}

/** Where lines that are in the wrong place may go on from. */
interface StrayEnd {
  seq: number;
  h: ChainHash;
  readonly finding: OpenFinding;
}

/** The last break, until a line fits again (V2). */
interface Break {
  readonly before: { readonly seq: number; readonly h: ChainHash | undefined };
  /** What the hash of the line should have been; `undefined` where that cannot be told. */
  readonly computed: ChainHash | undefined;
  readonly finding: OpenFinding;
  readonly gap: Gap | undefined;
  readonly body: Buffer;
}

/** What went wrong so far; most chains have none. */
interface Trouble {
  strayEnds: StrayEnd[];
  gaps: Gap[];
  readonly strays: Stray[];
}

/** The same for all chains of a file. */
export interface ChainFile {
  readonly name: BusFileName;
  readonly chain: Chain;
  readonly log: FindingLog;
}

const MAX_STRAY_ENDS = 8;
const MAX_REMEMBERED = 64;

export class WriterChain {
  readonly #file: ChainFile;
  readonly #writer: string;
  #chain: Chain;
  #seq = 0;
  /** `undefined` after a line that cannot be read: the next one is taken as it is. */
  #h: ChainHash | undefined;
  #previous: ChainHash | undefined;
  #break: Break | undefined;
  #trouble: Trouble | undefined;
  /** Heads that were told elsewhere. */
  claims: ClaimList | undefined;

  constructor(file: ChainFile, writer: string) {
    this.#file = file;
    this.#writer = writer;
    this.#chain = file.chain;
    this.#h = file.chain.genesis(file.name, writer);
  }

  get seq(): number {
    return this.#seq;
  }

  get h(): ChainHash | undefined {
    return this.#h;
  }

  get gaps(): readonly Gap[] {
    return this.#trouble?.gaps ?? [];
  }

  get strays(): readonly Stray[] {
    return this.#trouble?.strays ?? [];
  }

  /** The hash of the line of that number, if it is the last one or the one before. */
  hashAt(seq: number): ChainHash | undefined {
    if (seq === this.#seq) return this.#h;
    return seq === this.#seq - 1 ? this.#previous : undefined;
  }

  /** Whether the line is the next one (V1); then the chain has gone on. */
  fits({ seq, h }: LineForm, body: Buffer): boolean {
    if (seq !== this.#seq + 1) return false;
    if (this.#h !== undefined && this.#chain.next(this.#h, body) !== h) return false;
    this.#goOn(seq, h);
    return true;
  }

  /** Goes on behind a line whose body was taken out; false: it is not the next one. */
  passes({ seq, h }: LineForm): boolean {
    if (seq !== this.#seq + 1) return false;
    this.#goOn(seq, h);
    return true;
  }

  /** A line that does not fit: what is wrong with it, or with what was before it. */
  explain(line: ChainLine): void {
    if (this.#explainsBreak(line) || this.#continuesStray(line) || this.#fillsGap(line)) return; // V3
    const { seq, h } = line.form;
    if (line.home !== undefined) this.#onStray(line, 'moved', `belongs to ${line.home}`);
    else if (seq === this.#seq + 1) this.#onChanged(line);
    else if (seq > this.#seq) this.#onGap(line);
    else if (seq === this.#seq && h === this.#h) this.#onStray(line, 'inserted', 'stands here a second time');
    else if (this.#gapOf(seq) !== undefined) this.#onStray(line, 'reordered', 'stands behind later ones');
    else this.#onStray(line, 'inserted', 'does not belong here: it was copied or made up');
  }

  /** A line of this writer that cannot be read: taken for the next one. */
  onDamaged(place: Place, message: string): void {
    const finding = this.#accuse('changed', place, message);
    this.#break = { before: this.#end(), computed: undefined, finding, gap: undefined, body: Buffer.alloc(0) };
    this.#seq += 1;
    this.#previous = this.#h;
    this.#h = undefined;
  }

  get #troubled(): Trouble {
    this.#trouble ??= { strayEnds: [], gaps: [], strays: [] };
    return this.#trouble;
  }

  #end(): Break['before'] {
    return { seq: this.#seq, h: this.#h };
  }

  #goOn(seq: number, h: ChainHash): void {
    this.#previous = this.#h;
    this.#seq = seq;
    this.#h = h;
    this.#break = undefined;
  }

  #follows(before: ChainHash | undefined, { form, body }: Pick<ChainLine, 'form' | 'body'>): boolean {
    return before !== undefined && this.#chain.next(before, body) === form.h;
  }

  #accuse(kind: FindingKind, place: Place, message: string): OpenFinding {
    return this.#file.log.accuse(kind, place, message, this.#writer);
  }

  /** What the line after a break tells of it. */
  #explainsBreak(line: ChainLine): boolean {
    const broken = this.#break;
    if (broken === undefined) return false;
    const { seq, h } = line.form;
    const { before, finding } = broken;
    if (this.#follows(this.#h, line) || (seq === this.#seq + 1 && this.#follows(broken.computed, line))) {
      this.#retell(finding, 'changed', `${lines(seq - 1)} was changed`); // its number, or its hash
      this.#dropGap(broken.gap);
      this.#goOn(seq, h);
      return true;
    }
    if (seq !== before.seq + 1 || !this.#follows(before.h, line)) return false;
    this.#dropGap(broken.gap);
    const isSwapped = this.#seq === seq + 1 && this.#h !== undefined && this.#chain.next(h, broken.body) === this.#h;
    if (isSwapped) {
      this.#retell(finding, 'reordered', `lines ${seq} and ${seq + 1} stand in each other's place`);
      this.#previous = h;
      this.#break = undefined;
      return true;
    }
    if (finding.kind !== 'moved')
      this.#retell(finding, 'inserted', 'a line that does not belong here: it was copied or made up');
    this.#addStrayEnd(this.#seq, this.#h, finding);
    this.#goOn(seq, h);
    return true;
  }

  /** A line that follows one in the wrong place: a run of them, or the place was right after all. */
  #continuesStray(line: ChainLine): boolean {
    const end = this.#troubled.strayEnds.find(({ h }) => this.#follows(h, line));
    if (end === undefined) return false;
    const { seq, h } = line.form;
    if (seq <= this.#seq || line.home !== undefined) {
      end.seq = seq;
      end.h = h;
      return true;
    }
    this.#troubled.strayEnds = this.#troubled.strayEnds.filter((other) => other !== end);
    if (end.seq !== seq - 1) this.#retell(end.finding, 'changed', `${lines(seq - 1)} was changed`); // its number
    else if (end.seq === this.#seq) this.#addStrayEnd(this.#seq, this.#h, end.finding); // two lines of one number
    else if (end.seq > this.#seq + 1) this.#addGap(end.seq, line.place);
    else if (end.finding.kind === 'moved') this.#retell(end.finding, 'changed', `${lines(end.seq)} was changed`);
    else this.#retell(end.finding, 'reordered', `${lines(end.seq)} stands before earlier ones`);
    this.#goOn(seq, h);
    return true;
  }

  #gapOf(seq: number): Gap | undefined {
    return this.gaps.find(({ from, to }) => from <= seq && seq <= to);
  }

  /** A line that was missing, and stands behind later ones. */
  #fillsGap(line: ChainLine): boolean {
    const gap = this.#gapOf(line.form.seq);
    if (gap === undefined || gap.from !== line.form.seq || !this.#follows(gap.before, line)) return false;
    const { path, line: number } = line.place;
    this.#retell(gap.finding, 'reordered', `${lines(gap.from)} is not here, but at ${path}:${number}`);
    gap.from += 1;
    gap.before = line.form.h;
    if (gap.from > gap.to) this.#dropGap(gap);
    return true;
  }

  #onChanged(line: ChainLine): void {
    const { form, place } = line;
    if (this.#isUnkeyed(line)) {
      this.#accuse('unkeyed', place, `this writer's lines bear no key, but the bus has one`);
      this.#chain = createChain();
      this.#goOn(form.seq, form.h);
      return;
    }
    const finding = this.#accuse('changed', place, `${lines(form.seq)} was changed: its hash does not fit`);
    this.#breakAt(line, finding, undefined);
  }

  #onGap(line: ChainLine): void {
    const gap = this.#addGap(line.form.seq, line.place);
    this.#breakAt(line, gap.finding, gap);
  }

  #onStray(line: ChainLine, kind: FindingKind, what: string): void {
    const { form, place } = line;
    const finding = this.#accuse(kind, place, `${lines(form.seq)} ${what}`);
    this.#addStrayEnd(form.seq, form.h, finding);
    this.#remember(line, finding);
  }

  #breakAt(line: ChainLine, finding: OpenFinding, gap: Gap | undefined): void {
    const { form, body } = line;
    const computed = this.#h === undefined ? undefined : this.#chain.next(this.#h, body);
    const broken: Break = { before: this.#end(), computed, finding, gap, body: Buffer.from(body) };
    this.#remember(line, finding);
    this.#goOn(form.seq, form.h);
    this.#break = broken;
  }

  /** Whether a keyed bus has a first line whose hash fits without the key. */
  #isUnkeyed({ form, body }: ChainLine): boolean {
    if (!this.#chain.keyed || this.#seq > 0) return false;
    const plain = createChain();
    return plain.next(plain.genesis(this.#file.name, this.#writer), body) === form.h;
  }

  #addGap(nextSeq: number, place: Place): Gap {
    const from = this.#seq + 1;
    const to = nextSeq - 1;
    const are = from === to ? 'is' : 'are';
    const finding = this.#accuse('removed', place, `${lines(from, to)} ${are} missing before this one`);
    const gap: Gap = { from, to, before: this.#h, finding };
    if (this.gaps.length < MAX_REMEMBERED) this.#troubled.gaps.push(gap);
    return gap;
  }

  #dropGap(gap: Gap | undefined): void {
    if (gap !== undefined) this.#troubled.gaps = this.gaps.filter((other) => other !== gap);
  }

  #addStrayEnd(seq: number, h: ChainHash | undefined, finding: OpenFinding): void {
    if (h === undefined) return;
    const trouble = this.#troubled;
    trouble.strayEnds = [{ seq, h, finding }, ...trouble.strayEnds].slice(0, MAX_STRAY_ENDS);
  }

  #remember({ form: { seq, h, type }, home, body }: ChainLine, finding: OpenFinding): void {
    if (this.strays.length >= MAX_REMEMBERED) return;
    const kept = this.#file.log.isFull ? undefined : Buffer.from(body);
    this.#troubled.strays.push({ seq, h, type, home, body: kept, finding });
  }

  #retell(finding: OpenFinding, kind: FindingKind, message: string): void {
    finding.kind = kind;
    finding.message = message;
  }
}

const lines = (from: number, to = from): string => (from === to ? `line ${from}` : `lines ${from} to ${to}`);
