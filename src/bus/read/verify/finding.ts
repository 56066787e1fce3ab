/** Owns what a verification finds: each finding, and the bounded list of them (G6, G8). */

/** API: told by `nika bus verify --json`. */
export type FindingKind =
  /** A line's bytes are not those that were written. */
  | 'changed'
  /** Lines of a writer are missing. */
  | 'removed'
  /** Lines stand in another order than they were written in. */
  | 'reordered'
  /** A line that its writer did not put there: copied or made up. */
  | 'inserted'
  /** A line that belongs to another file. */
  | 'moved'
  /** The chain fits, but not a head that was told elsewhere: it was computed anew. */
  | 'rewritten'
  /** Written without the key that the bus has. */
  | 'unkeyed'
  /** Bytes that no writer leaves behind, not even when it is killed. */
  | 'foreign'
  /** A message of both files stands in one of them only. */
  | 'one-sided'
  | 'blob-missing'
  | 'blob-changed'
  /** A blob that is shorter than its line says, and begins as it says: a power cut can leave it so, as can a cut. */
  | 'blob-torn'
  /** A compressed file that cannot be unpacked. */
  | 'damaged'
  /** The beginning of a line whose writer was killed, or found the disk full. */
  | 'torn'
  /**
   * The last messages of a writer stand in one file only: it was killed between the two writes, or told that the other
   * file could not be written, and ended.
   */
  | 'unfinished'
  /** Messages that stand in one file only; the writer's own `outage` line tells of them. */
  | 'dropped'
  /** A redaction that was told, and whose lines still have their bodies. */
  | 'unredacted'
  /** More than this verification keeps in memory. */
  | 'unchecked';

export interface Finding {
  readonly severity: 'tampering' | 'warning';
  readonly kind: FindingKind;
  /** Path. */
  readonly file: string;
  /** From 1; 0: the file as a whole, or its end. */
  readonly line: number;
  readonly writer?: string;
  readonly message: string;
}

/** A finding that what follows in the file may still explain better. */
export type OpenFinding = { -readonly [K in keyof Finding]: Finding[K] };

/** Where a line stands. */
export interface Place {
  readonly path: string;
  readonly line: number;
}

const MAX_KEPT = 1000;

const inOrder = (a: Finding, b: Finding): number => (a.file === b.file ? a.line - b.line : a.file < b.file ? -1 : 1);

export class FindingLog {
  #kept: OpenFinding[] = [];
  #tampering = 0;
  #warnings = 0;

  /** All of them, also those that are not kept. */
  get tampering(): number {
    return this.#tampering;
  }

  get warnings(): number {
    return this.#warnings;
  }

  /** Whether further findings are counted, but not kept. */
  get isFull(): boolean {
    return this.#kept.length >= MAX_KEPT;
  }

  accuse(kind: FindingKind, place: Place, message: string, writer?: string): OpenFinding {
    this.#tampering += 1;
    return this.#keep({ severity: 'tampering', kind, file: place.path, line: place.line, message }, writer);
  }

  warn(kind: FindingKind, place: Place, message: string, writer?: string): void {
    this.#warnings += 1;
    this.#keep({ severity: 'warning', kind, file: place.path, line: place.line, message }, writer);
  }

  /** Takes back what turned out to be a part of another finding. */
  retract(finding: OpenFinding): void {
    this.#tampering -= 1;
    const at = this.#kept.indexOf(finding);
    if (at !== -1) this.#kept.splice(at, 1);
  }

  /** What was kept, by file and line. */
  list(): readonly Finding[] {
    return this.#kept.toSorted(inOrder);
  }

  #keep(finding: OpenFinding, writer: string | undefined): OpenFinding {
    if (writer !== undefined) finding.writer = writer;
    if (!this.isFull) this.#kept.push(finding);
    return finding;
  }
}
