/**
 * Owns from when to when each full segment of the alpha bus has lines that are remembered, so that a question about April
 * reads no segment without any. Noted by who read a segment to its end, who brings the bus to Qdrant too; kept in
 * `run/memory/spans.json`.
 *
 * S1. The order of segments says nothing of it: a history that was imported stands at the end, with the times of then.
 * S2. It holds for a segment that begins so and is so long, compressed or not: a line that is written into it late makes it
 *     unknown, and it is read once more.
 */
import { createHash } from 'node:crypto';
import { closeSync, mkdirSync, openSync, readFileSync, readSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import type { BusFilePart } from '../../bus/read/files.ts';
import { bestEffortSync } from '../../failopen/best-effort.ts';

const spanSchema = z.object({ first: z.string(), last: z.string() });
const fileSchema = z.object({ v: z.literal(1), spans: z.record(z.string(), spanSchema) });

/** Times as on the bus, of the first and the last moment. `last` before `first`: it has no such line. */
export type SegmentSpan = z.infer<typeof spanSchema>;

/** The oldest are forgotten: they are read again then (G6). */
const MAX_SPANS = 20_000;
const NAME_CHARS = 32;
const EMPTY: SegmentSpan = { first: '~', last: '' };

const LENGTH_BYTES = 4;

/** As the end of what gzip writes says it. Of one that had to be put together it is not so: that is read once more. */
const unpackedBytes = ({ path, sizeBytes }: BusFilePart): number => {
  try {
    const fd = openSync(path, 'r');
    try {
      const length = Buffer.alloc(LENGTH_BYTES);
      return readSync(fd, length, 0, LENGTH_BYTES, sizeBytes - LENGTH_BYTES) === LENGTH_BYTES
        ? length.readUInt32LE()
        : -1;
    } finally {
      closeSync(fd);
    }
  } catch {
    return -1; // gone: whoever reads it tells what is wrong
  }
};

const nameOf = (part: BusFilePart, begins: string): string => {
  const bytes = part.compressed ? unpackedBytes(part) : part.sizeBytes;
  return `${createHash('sha256').update(begins).digest('hex').slice(0, NAME_CHARS)}.${bytes}`;
};

export class SegmentSpans {
  readonly #path: string;
  #loaded: Map<string, SegmentSpan> | undefined;
  /** The segment that is read. */
  #current: { readonly name: string; span: SegmentSpan } | undefined;
  #hasNew = false;

  constructor(runDir: string) {
    this.#path = join(runDir, 'memory', 'spans.json');
  }

  get #spans(): Map<string, SegmentSpan> {
    return (this.#loaded ??= new Map(Object.entries(this.#load())));
  }

  #load(): Readonly<Record<string, SegmentSpan>> {
    try {
      return fileSchema.parse(JSON.parse(readFileSync(this.#path, 'utf8'))).spans;
    } catch {
      return {}; // none yet: each is read once
    }
  }

  /** `undefined`: nobody has read it to its end. */
  of(part: BusFilePart, begins: string): SegmentSpan | undefined {
    return this.#spans.get(nameOf(part, begins));
  }

  /** From here on times are those of this part, until the next one begins; of the last part of a bus nothing is kept. */
  begin(part: BusFilePart, begins: string): void {
    this.#finish();
    this.#current = { name: nameOf(part, begins), span: EMPTY };
  }

  /** A line that is remembered, of that time. */
  see(ts: string): void {
    const { span } = this.#current ?? {};
    if (span === undefined || this.#current === undefined || (ts >= span.first && ts <= span.last)) return;
    const first = ts < span.first ? ts : span.first;
    this.#current.span = { first, last: ts > span.last ? ts : span.last };
  }

  #finish(): void {
    if (this.#current === undefined) return;
    const { name, span } = this.#current;
    this.#spans.delete(name);
    this.#spans.set(name, span);
    this.#hasNew = true;
    this.#current = undefined;
  }

  /** Best effort: without it they are read again. */
  keep(): void {
    this.#current = undefined; // it is still written to
    if (!this.#hasNew) return;
    bestEffortSync('memory.spans', () => {
      mkdirSync(dirname(this.#path), { recursive: true, mode: 0o700 });
      const spans = Object.fromEntries([...this.#spans].slice(-MAX_SPANS));
      const written = `${this.#path}.${process.pid}.tmp`;
      writeFileSync(written, JSON.stringify({ v: 1, spans }), { mode: 0o600 });
      renameSync(written, this.#path);
      this.#hasNew = false;
    });
  }
}
