/**
 * Owns the one place where an event becomes a record (design, section 8): capped and redacted once (G7), then one
 * write to the bus (G2). Later sinks are offered what was written, without waiting (G1).
 *
 * R1. Nothing here throws into a tool call, and nothing but the write itself is waited for.
 * R2. No text reaches the bus, a blob or a hash unless it went through the body encoder.
 */
import { bestEffort, bestEffortSync } from '../failopen/best-effort.ts';
import type { BusWriter } from '../bus/writer.ts';
import { LINE_MAX_BYTES } from '../bus/line.ts';
import type { EntityId } from '../model/id.ts';
import type { MessageData, MessageType } from '../model/message.ts';
import type { SessionDigest } from '../model/session-digest.ts';
import type { FinishedToolUse, ToolCallSource } from '../model/tool-event.ts';
import type { BodyEncoder, EncodedBody } from './body.ts';
import { DigestFold, isDigested } from './digest/digest-fold.ts';
import { EncodedNames } from './encoded-names.ts';
import { fitBodies, fitBody, type KeepBlob, withoutSurplus } from './line-fit.ts';
import type { RecordSink } from './record-sink.ts';
import { isoTime, type Stamp, stampNow } from './stamp.ts';

/** What a line is about: the entity, and its envelope as JSON text, made once. */
export interface Scope {
  readonly entity: EntityId;
  /** Whose channel the line stands in and names, where that is not the entity's own: a SUB has none, and is in the envelope. */
  readonly channel?: EntityId;
  readonly metaJson: string;
}

export interface RecorderOptions {
  readonly bus: BusWriter;
  readonly encoder: BodyEncoder;
  /** Whether the disk has room for blobs; looked at before each. */
  readonly mayKeepBlobs: () => boolean;
  /** Told when a blob could not be written; for the log. */
  readonly onBlobFailure?: (thrown: unknown) => void;
  /** Told of each event once it is on the bus. */
  readonly sink?: RecordSink;
  /** Time and id of the line that is written next; default: now, and a new one. For what happened before. */
  readonly stamp?: () => Stamp;
}

export interface ToolCallOrigin {
  readonly source: ToolCallSource;
  /** Id of the step of a job of steps. */
  readonly step?: string;
  /** What the call does, in the words of the job. */
  readonly title?: string;
  /** The agent's id of the turn. */
  readonly turn?: string;
}

/** Fixed keys, ids, hash and line feed of a line, generously. */
const LINE_FRAME_BYTES = 1024;
/** A result is at most this long on its line (design, section 4). */
const RESULT_MAX_BYTES = 2048;
const MESSAGE_BODIES: readonly string[] = ['result', 'inputs', 'body', 'prompt', 'answer'];
const isBody = (key: string): boolean => MESSAGE_BODIES.includes(key);
const SYNC_BUDGET_MS = 1_000;

export interface RecorderCounts {
  calls: number;
  errors: number;
  /** Calls by tool name; at most 200 names, the rest under `(other)` (G6). */
  readonly byTool: Map<string, number>;
  redactedSecrets: number;
  cutBodies: number;
  lostBlobs: number;
}

const MAX_TOOL_NAMES = 200;
const MAX_NAME_BYTES = 256;
const MAX_TEXT_BYTES = 8 * 1024;

interface Written {
  readonly id: string;
  readonly ts: string;
  readonly atMs: number;
}

/** Of the whole body, as JSON. */
const sizeOf = ({ json, truncatedBytes }: EncodedBody): number => Buffer.byteLength(json) + truncatedBytes;

export class Recorder {
  readonly #options: RecorderOptions;
  readonly counts: RecorderCounts = {
    calls: 0,
    errors: 0,
    byTool: new Map(),
    redactedSecrets: 0,
    cutBodies: 0,
    lostBlobs: 0,
  };

  /** What memory is told of the session. */
  readonly digest = new DigestFold();
  readonly #names: EncodedNames;
  readonly #stamp: () => Stamp;

  constructor(options: RecorderOptions) {
    this.#options = options;
    this.#stamp = options.stamp ?? stampNow;
    this.#names = new EncodedNames(options.encoder);
  }

  /** One line for one finished call. When this returns, the line is on the bus, or held back and counted (G1, G2). */
  recordToolCall(scope: Scope, event: FinishedToolUse, origin: ToolCallOrigin): void {
    const { encoder } = this.#options;
    const input = encoder.encode(event.tool_input);
    const response = event.tool_response === undefined ? undefined : encoder.encode(event.tool_response);
    this.#count(event, [input, response]);
    const error =
      event.hook_event_name === 'PostToolUseFailure' ? encoder.encodeText(event.error, MAX_TEXT_BYTES).text : undefined;
    const tail = this.#tail(event, error, input, response);
    const head = this.#head(event, origin);
    const frame = LINE_FRAME_BYTES + scope.metaJson.length + Buffer.byteLength(head) + Buffer.byteLength(tail);
    const bodies = response === undefined ? [input.json] : [input.json, response.json];
    const [inputJson = 'null', responseJson] = this.#fit(bodies, LINE_MAX_BYTES - frame);
    const responseField = responseJson === undefined ? '' : `,"tool_response":${responseJson}`;
    const { id, atMs } = this.#write(scope, 'tool_call', `${head},"tool_input":${inputJson}${responseField}${tail}}`);
    this.#digest(event.tool_name, input.json, error, origin.title);
    const { sink } = this.#options;
    if (sink === undefined) return;
    bestEffortSync('record.sink', () =>
      sink.toolCall({
        id,
        atMs,
        entity: scope.entity,
        tool: this.#names.text(event.tool_name),
        isOk: error === undefined,
        durationMs: event.duration_ms ?? 0,
        input: input.json,
        inputBytes: sizeOf(input),
        responseBytes: response === undefined ? 0 : sizeOf(response),
        error,
      }),
    );
  }

  /** One message of any other type, on the channel and the alpha bus. */
  record<T extends MessageType>(scope: Scope, type: T, data: MessageData<T>): void {
    const { encoder } = this.#options;
    const keys: string[] = [];
    const values: string[] = [];
    const whole: string[] | undefined = isDigested(type) ? [] : undefined;
    for (const [key, given] of Object.entries<unknown>({ ...data })) {
      if (given === undefined) continue;
      const isText = typeof given === 'string' && !isBody(key);
      const value = isText ? encoder.encodeText(given, MAX_TEXT_BYTES).text : given;
      const body = encoder.encode({ [key]: value }); // with its key: its name may say that it is secret
      this.#countBody(body);
      const name = JSON.stringify(key);
      if (!body.json.startsWith(`{${name}:`)) continue; // nothing that JSON can say, such as a function
      const json = body.json.slice(name.length + 2, -1);
      keys.push(name);
      whole?.push(body.json.slice(1, -1));
      values.push(isBody(key) ? fitBody(json, RESULT_MAX_BYTES, this.#keepBlob) : json);
    }
    const roomBytes = LINE_MAX_BYTES - LINE_FRAME_BYTES - scope.metaJson.length;
    withoutSurplus(keys, values, roomBytes);
    const fitted = this.#fit(values, roomBytes);
    const dataJson = `{${fitted.map((json, at) => `${keys[at]}:${json}`).join(',')}}`;
    const { id, ts } = this.#write(scope, type, dataJson);
    const { entity, metaJson } = scope;
    if (whole !== undefined) {
      bestEffortSync('record.digest', () =>
        this.digest.message(type, entity, JSON.parse(`{${whole.join(',')}}`) as Record<string, unknown>),
      );
    }
    bestEffortSync('record.sink', () => this.#options.sink?.message({ id, ts, type, entity, metaJson, dataJson }));
  }

  /** Everything written so far is on stable storage when this resolves; given up after a second (G1, G2). */
  async settle(): Promise<void> {
    await bestEffort('bus.sync', { withinMs: SYNC_BUDGET_MS }, () => this.#options.bus.sync());
  }

  /** Begins to put what was written on stable storage; nobody waits. */
  settleSoon(): void {
    this.settle().then(
      () => undefined,
      () => undefined, // bestEffort never rejects
    );
  }

  /** What memory is told of a session that comes to this: made of what was recorded. */
  digestOf(end: { readonly result: unknown; readonly error: string | undefined }): SessionDigest {
    const { encoder } = this.#options;
    const resultJson = end.result === undefined ? undefined : encoder.encode(end.result).json;
    const error = end.error === undefined ? undefined : encoder.encodeText(end.error, MAX_TEXT_BYTES).text;
    return this.digest.digest({ resultJson, error });
  }

  #digest(tool: string, input: string, error: string | undefined, title: string | undefined): void {
    bestEffortSync('record.digest', () => {
      const words = title === undefined ? undefined : this.#names.text(title);
      this.digest.call({ tool: this.#names.text(tool), input, error, title: words });
    });
  }

  #fit(bodies: readonly string[], budgetBytes: number): readonly string[] {
    let chars = 0;
    for (const body of bodies) chars += body.length;
    return chars * 3 <= budgetBytes ? bodies : fitBodies(bodies, budgetBytes, this.#keepBlob);
  }

  #head(event: FinishedToolUse, { source, step, title, turn }: ToolCallOrigin): string {
    const useId = this.#options.encoder.encodeText(event.tool_use_id, MAX_NAME_BYTES).text;
    const stepField = step === undefined ? '' : `,"step":${this.#names.json(step)}`;
    const titleField = title === undefined ? '' : `,"title":${this.#names.json(title)}`;
    const ok = event.hook_event_name === 'PostToolUse';
    const { exit_code: exitCode } = event;
    const agentFields = `${exitCode === undefined ? '' : `,"exit_code":${exitCode}`}${turn === undefined ? '' : `,"turn":${this.#names.json(turn)}`}`;
    return `{"source":"${source}","tool_name":${this.#names.json(event.tool_name)},"tool_use_id":${JSON.stringify(useId)},"ok":${ok},"duration_ms":${event.duration_ms}${agentFields}${stepField}${titleField},"cwd":${this.#names.json(event.cwd)}`;
  }

  #tail(
    event: FinishedToolUse,
    error: string | undefined,
    input: EncodedBody,
    response: EncodedBody | undefined,
  ): string {
    let tail = '';
    if (event.hook_event_name === 'PostToolUseFailure') {
      tail += `,"error":${JSON.stringify(error ?? '')}`;
      if (event.is_interrupt) tail += ',"is_interrupt":true';
    }
    if (input.redacted !== undefined || response?.redacted !== undefined) {
      tail += `,"redacted":${JSON.stringify(addCounts(input.redacted, response?.redacted))}`;
    }
    if (input.truncatedBytes > 0 || (response?.truncatedBytes ?? 0) > 0) {
      const cut = { tool_input: input.truncatedBytes, tool_response: response?.truncatedBytes ?? 0 };
      tail += `,"truncated":${JSON.stringify(Object.fromEntries(Object.entries(cut).filter(([, bytes]) => bytes > 0)))}`;
    }
    return tail;
  }

  #count(event: FinishedToolUse, bodies: readonly (EncodedBody | undefined)[]): void {
    const { byTool } = this.counts;
    const told = this.#names.text(event.tool_name).slice(0, MAX_NAME_BYTES);
    const name = byTool.has(told) || byTool.size < MAX_TOOL_NAMES ? told : '(other)';
    byTool.set(name, (byTool.get(name) ?? 0) + 1);
    this.counts.calls += 1;
    if (event.hook_event_name === 'PostToolUseFailure') this.counts.errors += 1;
    for (const body of bodies) this.#countBody(body);
  }

  #countBody(body: EncodedBody | undefined): void {
    if (body === undefined) return;
    if (body.truncatedBytes > 0) this.counts.cutBodies += 1;
    if (body.redacted === undefined) return;
    for (const count of Object.values(body.redacted)) this.counts.redactedSecrets += count;
  }

  readonly #keepBlob: KeepBlob = (json) => {
    const { bus, mayKeepBlobs, onBlobFailure } = this.#options;
    if (mayKeepBlobs()) {
      try {
        return bus.keepBlob(json);
      } catch (thrown) {
        onBlobFailure?.(thrown);
      }
    }
    this.counts.lostBlobs += 1;
    return undefined;
  };

  #write(scope: Scope, type: string, dataJson: string): Written {
    const { entity, channel, metaJson } = scope;
    const { atMs, id } = this.#stamp();
    const ts = isoTime(atMs);
    this.#options.bus.write({ ts, type, entity: channel ?? entity, id, metaJson, dataJson });
    return { id, ts, atMs };
  }
}

const addCounts = (
  a: Readonly<Record<string, number>> | undefined,
  b: Readonly<Record<string, number>> | undefined,
): Readonly<Record<string, number>> => {
  const total: Record<string, number> = { ...a };
  for (const [kind, count] of Object.entries(b ?? {})) total[kind] = (total[kind] ?? 0) + count;
  return total;
};
