/**
 * Owns recall over one pod's tool calls, without reading its transcript: from its channel on the bus, and those of its
 * TASKs, plain or compressed, also while it runs.
 *
 * C1. The files are streamed, each once; memory holds the best calls and a piece of a file (G6).
 */
import { channelName } from '../../bus/layout.ts';
import { type BusLine, tryParseLine } from '../../bus/line.ts';
import { typeOf } from '../../bus/query/line-filter.ts';
import { MTIME_SLACK_MS } from '../../bus/query/parts.ts';
import { readTypes } from '../../bus/query/read-types.ts';
import { findBusFile } from '../../bus/read/files.ts';
import { readLines } from '../../bus/read/lines.ts';
import { ownCopy } from '../../bus/read/own-copy.ts';
import { type EntityId, entityIdSchema } from '../../model/id.ts';
import { type Snippet, snippetOf } from '../encode/snippet.ts';
import { encodeQuestion } from '../encode/sparse.ts';
import { BestCalls } from './best-calls.ts';
import { callText } from './call-text.ts';

export interface CallQuestion {
  readonly words: string;
  /** At most {@link MAX_OBSERVED}. */
  readonly limit: number;
  /** Only those that failed. */
  readonly isFailedOnly: boolean;
}

export interface ObservedCall {
  /** Of its line on the bus. */
  readonly id: string;
  readonly ts: string;
  /** Whose channel it stands in: the JOB, or a TASK of it. */
  readonly entity: string;
  /** The subagent that made it. */
  readonly sub?: string;
  readonly tool: string;
  readonly isOk: boolean;
  readonly exitCode?: number;
  /** null: nobody knows. */
  readonly durationMs: number | null;
  readonly score: number;
  readonly snippet: Snippet;
}

export interface Observed {
  /** All calls of the pod, of all its attempts. */
  readonly callCount: number;
  /** Those that have some of the words, and failed where only such are wanted. */
  readonly matchCount: number;
  /** The best first. */
  readonly calls: readonly ObservedCall[];
}

export interface ObserveOptions {
  readonly busDir: string;
  readonly entity: EntityId;
  /** Told of bytes on disk of the pod's own channel. */
  readonly onRead?: (readBytes: number, totalBytes: number) => void;
}

export const MAX_OBSERVED = 100;

type Kept = Omit<ObservedCall, 'score' | 'snippet'> & { readonly text: string };

const kept = ({ id, ts, entity, meta, data }: BusLine, text: string): Kept => {
  const { tool_name: tool, ok, exit_code: exitCode, duration_ms: durationMs } = data;
  const { entity_id: subject } = meta;
  return {
    id: ownCopy(id),
    ts: ownCopy(ts),
    entity: ownCopy(entity),
    ...(typeof subject === 'string' && subject.startsWith('SUB-') ? { sub: ownCopy(subject) } : {}),
    tool: ownCopy(String(tool)),
    isOk: ok !== false,
    ...(typeof exitCode === 'number' ? { exitCode } : {}),
    durationMs: typeof durationMs === 'number' ? durationMs : null,
    text: ownCopy(text),
  };
};

class Observation {
  readonly #options: ObserveOptions;
  readonly #question: CallQuestion;
  readonly #signal: AbortSignal;
  readonly best: BestCalls<Kept>;
  /** Of the lines of the pod's own channel. */
  firstTs = '';
  lastTs = '';

  constructor(options: ObserveOptions, question: CallQuestion, signal: AbortSignal) {
    this.#options = options;
    this.#question = question;
    this.#signal = signal;
    this.best = new BestCalls(encodeQuestion(question.words));
  }

  async read(entity: EntityId): Promise<void> {
    const { busDir, onRead } = this.#options;
    const parts = findBusFile(busDir, channelName(entity))?.parts ?? [];
    const totalBytes = parts.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
    let readBytes = 0;
    for (const part of parts) {
      for await (const lines of readLines(part, { signal: this.#signal })) {
        for (const { text, kind } of lines) if (kind !== 'torn') this.#take(text);
      }
      readBytes += part.sizeBytes;
      onRead?.(readBytes, totalBytes);
    }
  }

  #take(text: string): void {
    const isCall = typeOf(text) === 'tool_call';
    if (!isCall && this.firstTs !== '' && !text.includes('"type":"session_end_summary"')) return;
    const line = tryParseLine(text);
    if (line === undefined) return;
    if (this.firstTs === '') this.firstTs = ownCopy(line.ts);
    if (line.ts > this.lastTs) this.lastTs = ownCopy(line.ts);
    if (line.type !== 'tool_call') return;
    const words = callText(line);
    const { isFailedOnly } = this.#question;
    this.best.add(words, () => (isFailedOnly && line.data['ok'] !== false ? undefined : kept(line, words)));
  }
}

/** Those that began while it lived, each with those of its own behind it. */
const tasksOf = async (
  { busDir, entity }: ObserveOptions,
  { firstTs, lastTs }: Pick<Observation, 'firstTs' | 'lastTs'>,
  signal: AbortSignal,
): Promise<readonly EntityId[]> => {
  const tasks = new Set<string>([entity]);
  const sinceMs = Date.parse(firstTs) - MTIME_SLACK_MS;
  const until = new Date(Date.parse(lastTs) + MTIME_SLACK_MS).toISOString();
  for await (const piece of readTypes({ busDir, types: ['entity_created'], sinceMs, signal })) {
    if (piece === 'lost') break;
    for (const text of piece.texts) {
      if (!text.includes('"entity":"TASK-')) continue;
      const line = tryParseLine(text);
      if (line === undefined || line.ts > until) continue;
      if (tasks.has(String(line.meta['parent_id']))) tasks.add(ownCopy(line.entity));
    }
  }
  tasks.delete(entity);
  return [...tasks].flatMap((id) => entityIdSchema.safeParse(id).data ?? []);
};

/**
 * The calls that match best: by BM25, a word being the rarer the fewer of the pod's own calls have it.
 * @throws {NikaError} `NIKA_BUS_UNREADABLE`; the signal's reason
 */
export const observeCalls = async (
  options: ObserveOptions,
  question: CallQuestion,
  signal: AbortSignal,
): Promise<Observed> => {
  const observation = new Observation(options, question, signal);
  await observation.read(options.entity);
  if (observation.firstTs !== '') {
    const { firstTs, lastTs } = observation;
    for (const task of await tasksOf(options, { firstTs, lastTs }, signal)) await observation.read(task);
  }
  const { best } = observation;
  const limit = Math.min(question.limit, MAX_OBSERVED);
  const calls = best.best(limit).map(({ text, ...call }) => ({ ...call, snippet: snippetOf(text, question.words) }));
  return { callCount: best.callCount, matchCount: best.matchCount, calls };
};
