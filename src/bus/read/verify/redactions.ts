/**
 * Owns which tombstones a verification accepts (G8): a line whose body was taken out fits no chain any more; it is accepted
 * if a `redaction` line, which does fit its own, names exactly what stands there, and the chain before it is the one that
 * was there when the body was taken out.
 *
 * N1. Nobody can blank a line without a `redaction` line, and none goes unseen: each is counted and told with its reason.
 * N2. A tombstone does not tell whether the lines before it were computed anew; so the redaction names the hash before it.
 * N3. Both may come in any order: tombstones of channels are read before the alpha bus, which tells of them.
 */
import { hash } from 'node:crypto';
import { MESSAGE_SCHEMAS, type MessageData } from '../../../model/message.ts';
import type { ChainHash } from '../../chain.ts';
import { type BusLine, redactionOf, tryParseLine } from '../../line.ts';
import type { FindingLog, OpenFinding, Place } from './finding.ts';

/** API: told by `nika bus verify --json`. */
export interface Redaction {
  readonly redaction: string;
  readonly reason: string;
  readonly by: string;
  /** When its first line was written. */
  readonly at: string;
  /** Tombstones that it confirms, and that stand. */
  lines: number;
  /** Bodies that it says were removed. */
  blobs: number;
}

type Confirmation = MessageData<'redaction'>['lines'][number] & { readonly redaction: string };

interface Tombstone {
  readonly file: string;
  readonly writer: string;
  readonly seq: number;
  readonly h: ChainHash;
  /** `undefined`: the line before cannot be read, and was accused. */
  readonly previous: ChainHash | undefined;
  readonly sha256: string;
  readonly place: Place;
}

/** Each of them; beyond, what is found is accused, and what is told is not looked up (G6). */
const MAX_KEPT = 100_000;

const MAX_OF_LINE = 16;

const keyOf = ({ file, writer, seq }: { file: string; writer: string; seq: number }): string =>
  `${file}\n${writer}\n${seq}`;

export class Redactions {
  readonly #log: FindingLog;
  readonly #redactions = new Map<string, Redaction>();
  /** Nearly always one of a line; of two, one was begun and never carried out. */
  readonly #confirmations = new Map<string, Confirmation[]>();
  readonly #tombstones: Tombstone[] = [];
  readonly #removedBlobs = new Set<string>();
  readonly #missingBlobs: { readonly sha256: string; readonly finding: OpenFinding }[] = [];
  #unheard = 0;
  #redactedCount = 0;

  constructor(log: FindingLog) {
    this.#log = log;
  }

  /** Lines whose bodies were taken out, and are accepted; known once it is settled. */
  get redactedCount(): number {
    return this.#redactedCount;
  }

  /** What was told beyond what is kept. */
  get unheardCount(): number {
    return this.#unheard;
  }

  list(): readonly Redaction[] {
    return [...this.#redactions.values()];
  }

  /** A `redaction` line that fits its chain; it stands in two files. */
  hear(text: string): void {
    const line = tryParseLine(text);
    const data = MESSAGE_SCHEMAS.redaction.safeParse(line?.data).data;
    if (line === undefined || data === undefined) return;
    const { redaction, reason, by } = data;
    const known = this.#redactions.get(redaction) ?? { redaction, reason, by, at: line.ts, lines: 0, blobs: 0 };
    if (this.#redactions.size < MAX_KEPT) this.#redactions.set(redaction, known);
    for (const told of data.lines) {
      const ofLine = this.#confirmations.get(keyOf(told)) ?? [];
      if (ofLine.some(({ tombstone }) => tombstone === told.tombstone)) continue; // it stands in two files
      if (this.#confirmations.size >= MAX_KEPT || ofLine.length >= MAX_OF_LINE) this.#unheard += 1;
      else this.#confirmations.set(keyOf(told), [...ofLine, { ...told, redaction }]);
    }
    for (const sha256 of data.blobs ?? []) {
      if (this.#removedBlobs.has(sha256) || this.#removedBlobs.size >= MAX_KEPT) continue;
      this.#removedBlobs.add(sha256);
      known.blobs += 1;
    }
  }

  /** A line that does not fit, and says that its body was taken out. False: it is accused as any other. */
  mayAccept(line: BusLine): boolean {
    return redactionOf(line) !== undefined && this.#tombstones.length < MAX_KEPT;
  }

  add(tombstone: Omit<Tombstone, 'sha256'>, bytes: Uint8Array): void {
    this.#tombstones.push({ ...tombstone, sha256: hash('sha256', bytes) });
  }

  /** A body that is not there: perhaps it was removed by a redaction. */
  onMissingBlob(sha256: string, finding: OpenFinding): void {
    if (this.#missingBlobs.length < MAX_KEPT) this.#missingBlobs.push({ sha256, finding });
  }

  /** Once all was read: accuses tombstones that nobody confirms, and warns of redactions that are not carried out. */
  settle(): void {
    for (const tombstone of this.#tombstones) {
      const key = keyOf(tombstone);
      const ofLine = this.#confirmations.get(key);
      const told = ofLine?.find(({ tombstone: sha256 }) => sha256 === tombstone.sha256) ?? ofLine?.[0];
      const why = doubt(tombstone, told);
      this.#confirmations.delete(key); // carried out, well or not
      if (why !== undefined || told === undefined) {
        this.#log.accuse('changed', tombstone.place, `line ${tombstone.seq} ${why}`, tombstone.writer);
        continue;
      }
      this.#redactedCount += 1;
      const redaction = this.#redactions.get(told.redaction);
      if (redaction !== undefined) redaction.lines += 1;
    }
    for (const { sha256, finding } of this.#missingBlobs)
      if (this.#removedBlobs.has(sha256)) this.#log.retract(finding);
    this.#tellOpen();
  }

  #tellOpen(): void {
    const open = Map.groupBy([...this.#confirmations.values()].flat(), ({ redaction }) => redaction);
    for (const [redaction, lines] of open) {
      const [first] = lines;
      if (first === undefined) continue;
      const of = lines.length === 1 ? 'a line' : `${lines.length} lines`;
      const message = `redaction ${redaction} is not carried out on ${of}: "nika bus redact --resume" goes on with it`;
      this.#log.warn('unredacted', { path: first.file, line: 0 }, message, first.writer);
    }
  }
}

/** Why a tombstone is not accepted. */
const doubt = ({ h, previous, sha256 }: Tombstone, told: Confirmation | undefined): string | undefined => {
  if (told === undefined) return 'was blanked: no line of the bus tells of its redaction';
  if (told.h !== h) return 'was blanked, and has another hash than the one its redaction tells';
  if (told.tombstone !== sha256) return 'was changed after it was redacted';
  if (previous !== undefined && told.previous !== previous)
    return 'was redacted, but does not follow the line before it: that one was computed anew'; // N2
  return told.fits === false ? 'had been changed before it was redacted' : undefined;
};
