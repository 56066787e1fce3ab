/** Owns what one session left on the bus: its heads, its entities, its calls. For whoever closes a pod that died. */
import type { Head } from '../../model/message.ts';
import { type Usage, usageSchema, UsageTotals } from '../../model/usage.ts';
import type { BusLine } from '../line.ts';
import { ALPHA } from '../layout.ts';
import { tryParseLine } from '../line.ts';
import { type BusFile, listBusFiles } from '../read/files.ts';
import { readLines } from '../read/lines.ts';
import { applyLine, createEntityView, type EntityView, subjectOf } from './entity-view.ts';
import { MTIME_SLACK_MS } from './parts.ts';

export interface SessionTrace {
  /** Of its writer, in all files that it wrote to. */
  readonly heads: readonly Head[];
  /** Its entities, as far as its own lines tell, each with its envelope. */
  readonly entities: ReadonlyMap<string, { readonly view: EntityView; readonly meta: BusLine['meta'] }>;
  readonly calls: number;
  readonly errors: number;
  readonly callsByTool: Readonly<Record<string, number>>;
  /** What its agents used, by model. */
  readonly usage: readonly Usage[];
  /** Its last word, its own or that of whoever closed it. */
  readonly end: BusLine | undefined;
  /** That its attempt failed is told already. */
  readonly hasFailedAttempt: boolean;
}

export interface SessionTraceOptions {
  readonly busDir: string;
  readonly session: string;
  /** Its writer on the bus. */
  readonly writer: string;
  readonly sinceMs: number;
  /** Given each of its lines once, in the order of its channels. */
  readonly onLine?: (line: BusLine) => void;
}

/** Lines that close a session in the name of one that died. */
const CLOSING = /"type":"(?:session_end_summary|attempt_failed)"/;

class Trace implements SessionTrace {
  readonly #writer: string;
  readonly #session: string;
  readonly #onLine: (line: BusLine) => void;
  readonly #heads = new Map<string, Head>();
  readonly #usage = new UsageTotals();
  /** Lines of usage: they stand in two files. */
  readonly #usedIds = new Set<string>();
  readonly entities = new Map<string, { readonly view: EntityView; readonly meta: BusLine['meta'] }>();
  readonly callsByTool: Record<string, number> = {};
  calls = 0;
  errors = 0;
  end: BusLine | undefined;
  hasFailedAttempt = false;

  constructor({ writer, session, onLine = () => undefined }: SessionTraceOptions) {
    this.#writer = writer;
    this.#session = session;
    this.#onLine = onLine;
  }

  get heads(): readonly Head[] {
    return [...this.#heads.values()];
  }

  get usage(): readonly Usage[] {
    return this.#usage.byModel;
  }

  async read({ name, parts }: BusFile, sinceMs: number): Promise<void> {
    const mark = `"writer":"${this.#writer}"`;
    for (const part of parts) {
      if (part.mtimeMs < sinceMs) continue;
      for await (const lines of readLines(part)) {
        for (const { text, kind } of lines) {
          const isOwn = text.includes(mark);
          if (kind === 'torn' || !(isOwn || (text.includes(this.#session) && CLOSING.test(text)))) continue;
          const line = tryParseLine(text);
          if (line?.writer === this.#writer) this.#take(name, line);
          else if (line !== undefined) this.#takeForeign(line);
        }
      }
    }
  }

  /** Whoever closed it before may have come to its end, or died on the way. */
  #takeForeign(line: BusLine): void {
    if (line.meta['session_id'] !== this.#session) return;
    if (line.type === 'session_end_summary') this.end = line;
    if (line.type === 'attempt_failed') this.hasFailedAttempt = true;
  }

  #take(file: BusFile['name'], line: BusLine): void {
    const { writer, seq, h } = line;
    this.#heads.set(file, { file, writer, seq, h });
    if (line.meta['session_id'] !== this.#session) return;
    const id = subjectOf(line);
    const known = this.entities.get(id) ?? { view: createEntityView(id, line.ts), meta: line.meta };
    this.entities.set(id, known);
    applyLine(known.view, line);
    if (file !== ALPHA) this.#onLine(line); // what stands there stands in a channel, too
    if (line.type === 'session_end_summary') this.end = line;
    if (line.type === 'attempt_failed') this.hasFailedAttempt = true;
    if (line.type === 'usage') this.#use(line);
    if (line.type !== 'tool_call') return;
    this.calls += 1;
    if (line.data['ok'] === false) this.errors += 1;
    const tool = String(line.data['tool_name']);
    this.callsByTool[tool] = (this.callsByTool[tool] ?? 0) + 1;
  }

  #use({ id, data }: BusLine): void {
    const usage = usageSchema.safeParse(data);
    if (!usage.success || this.#usedIds.has(id)) return;
    this.#usedIds.add(id);
    this.#usage.add(usage.data);
  }
}

/** Reads the files that were written to since the session began. @throws {NikaError} `NIKA_BUS_UNREADABLE` */
export const readSessionTrace = async (options: SessionTraceOptions): Promise<SessionTrace> => {
  const trace = new Trace(options);
  const sinceMs = options.sinceMs - MTIME_SLACK_MS;
  for (const file of listBusFiles(options.busDir)) await trace.read(file, sinceMs);
  return trace;
};
