/**
 * Owns the one walk over a value that writes it as JSON, redacted and capped (G7). Reads each field once, writes nothing twice.
 *
 * B1. The JSON is valid wherever the walk stops: what is open is closed, and room for that is set aside when it is opened.
 * B2. The work is bounded by the room: each step takes some of it, also one that writes nothing.
 * B3. Nothing that user code throws (getters, traps, toJSON) leaves the walk: it is written down as a word.
 */
import { secretOfField } from './redact/redact-assignment.ts';
import { nameOfNextArgument, nameOfOwnArgument } from './redact/redact-flag.ts';
import { isNameOfMany, type SecretName, secretName } from './redact/redact-name.ts';
import { markerOf, RedactedCounts, type Redactor } from './redact/redact.ts';
import { describeBigInt, describeSpecial, ListHead, MapEntry, Unreadable } from './body-special.ts';
import { MARKER_BYTES, TextHead, type TextFitter } from './body-text.ts';

export const MAX_DEPTH = 100;
/** With less room than this no further value is begun. */
const MIN_ROOM_BYTES = 96;
const ENTRY_MIN_BYTES = 2;
const MAX_KEY_BYTES = 1_024;
const MAX_KNOWN_KEY_CHARS = 64;
const MAX_KNOWN_KEYS = 2_000;
const FORM_MAX_CHARS = 4_096;

interface FieldKey {
  /** With quotes and colon. */
  readonly json: string;
  readonly bytes: number;
  readonly name: SecretName | undefined;
}

/** What lives as long as the encoder. The keys of fields come again and again: they are remembered (G6). */
export interface WalkTools {
  readonly redactor: Redactor;
  readonly fitter: TextFitter;
  readonly knownKeys: Map<string, FieldKey>;
}

/** What an entry of a list or an object takes, told from those that were written. */
const averageBytes = (bytes: number, count: number): number => (count === 0 ? ENTRY_MIN_BYTES : bytes / count);

const isUnwritten = (value: unknown): boolean =>
  value === undefined || typeof value === 'function' || typeof value === 'symbol';

/** What an item says of the next one: `--password` in a list of arguments, `x-api-key` and `authorization` in one of headers. */
const nameOfNextItem = (items: readonly unknown[], index: number): SecretName | undefined => {
  const item = items[index];
  if (typeof item !== 'string' || item.length > MAX_KNOWN_KEY_CHARS) return undefined;
  const own = nameOfOwnArgument(items, index + 1);
  if (own !== undefined) return own;
  if (item.startsWith('-')) return nameOfNextArgument(items, index);
  const name = secretName(item);
  const isHeader =
    name !== undefined && (item.includes('-') || name.strength === 'authorization' || name.strength === 'cookie');
  return isHeader ? name : undefined;
};

export class BodyWalk {
  readonly #tools: WalkTools;
  readonly counts = new RedactedCounts();
  readonly #ancestors: object[] = [];
  #json = '';
  #leftBytes: number;
  #lostBytes = 0;

  constructor(tools: WalkTools, maxBytes: number) {
    this.#tools = tools;
    this.#leftBytes = maxBytes - MARKER_BYTES;
  }

  get json(): string {
    return this.#json;
  }

  /** What was left out, in bytes: counted for texts, estimated for lists and objects by what was kept of them. */
  get lostBytes(): number {
    return Math.ceil(this.#lostBytes);
  }

  write(value: unknown, name?: SecretName): void {
    switch (typeof value) {
      case 'string':
        return this.#string(value, name);
      case 'number':
        return this.#put(Number.isFinite(value) ? `${value}` : 'null');
      case 'boolean':
        return this.#put(value ? 'true' : 'false');
      case 'bigint':
        return this.#put(`"${describeBigInt(value)}"`);
      case 'object':
        return value === null ? this.#put('null') : this.#object(value, name);
      default:
        return this.#put('null');
    }
  }

  /** `ascii`: one byte a character. */
  #put(ascii: string): void {
    this.#json += ascii;
    this.#leftBytes -= ascii.length;
  }

  #string(value: string | TextHead, name: SecretName | undefined): void {
    if (name !== undefined && typeof value === 'string' && this.#secretField(value, name)) return;
    const { json, bytes, cutBytes } = this.#tools.fitter.toJson(value, this.#leftBytes, this.counts);
    this.#json += json;
    this.#leftBytes -= bytes;
    if (cutBytes > 0) this.#lostBytes += Math.max(1, cutBytes + 2 - bytes);
  }

  /** True: the field is a secret by its name, and its marker is written. */
  #secretField(value: string, name: SecretName): boolean {
    const secret = secretOfField(value, name);
    if (secret === undefined) return false;
    const { start, end } = secret;
    const found = new RedactedCounts();
    if (start === 0 && value.length <= FORM_MAX_CHARS) this.#tools.redactor.redact(value, value.length, found);
    const kind = found.onlyKind ?? name.kind; // a form tells more than a name
    this.counts.add(kind);
    const json = JSON.stringify(value.slice(0, start) + markerOf(kind) + value.slice(end));
    this.#json += json;
    this.#leftBytes -= Buffer.byteLength(json);
    return true;
  }

  #object(value: object, name: SecretName | undefined): void {
    if (this.#ancestors.length >= MAX_DEPTH) return this.#tooDeep();
    if (this.#ancestors.includes(value)) return this.#put('"[circular]"');
    let described: unknown;
    try {
      described = this.#describe(value);
    } catch (thrown) {
      described = new Unreadable(thrown); // B3
    }
    if (typeof described !== 'object' || described === null) return this.write(described, name);
    this.#ancestors.push(value);
    this.#container(described, name);
    this.#ancestors.pop();
  }

  /** The value itself where it is a list or a plain object; else what is written for it. */
  #describe(value: object): unknown {
    const prototype: unknown = Array.isArray(value) ? Object.prototype : Object.getPrototypeOf(value);
    const isPlain = prototype === Object.prototype || prototype === null;
    if (isPlain && typeof (value as { readonly toJSON?: unknown }).toJSON !== 'function') return value;
    return describeSpecial(value, Math.max(0, this.#leftBytes));
  }

  #container(value: object, name: SecretName | undefined): void {
    if (value instanceof Unreadable) return this.#string(value.why, undefined);
    if (value instanceof TextHead) return this.#string(value, undefined);
    if (value instanceof ListHead) return this.#list(value.items, value.totalCount, name);
    if (value instanceof MapEntry) return this.#entry(value);
    let keys: readonly string[] | undefined;
    let length = 0;
    try {
      if (Array.isArray(value)) ({ length } = value);
      else keys = Object.keys(value);
    } catch (thrown) {
      return this.#string(new Unreadable(thrown).why, undefined); // B3
    }
    if (keys === undefined) this.#list(value as readonly unknown[], length, name);
    else this.#fields(value, keys, name !== undefined && isNameOfMany(name) ? name : undefined);
  }

  #list(items: readonly unknown[], count: number, name: SecretName | undefined): void {
    const startBytes = this.#open('[');
    for (let i = 0; i < count; i += 1) {
      if (this.#leftBytes < MIN_ROOM_BYTES) {
        this.#cut(
          `${i > 0 ? ',' : ''}"…[cut: ${count - i} more]"`,
          (count - i) * averageBytes(startBytes - this.#leftBytes, i),
        );
        break;
      }
      if (i > 0) this.#put(',');
      const item = this.#read(items, i);
      this.write(item, name ?? (typeof item === 'string' && i > 0 ? this.#nameBefore(items, i) : undefined));
    }
    this.#close(']');
  }

  #nameBefore(items: readonly unknown[], index: number): SecretName | undefined {
    try {
      return nameOfNextItem(items, index - 1);
    } catch {
      return undefined; // a list whose items can no longer be read (B3)
    }
  }

  #entry({ key, value }: MapEntry): void {
    this.#open('[');
    this.write(key);
    this.#put(',');
    if (this.#leftBytes < MIN_ROOM_BYTES) {
      this.#cut('"[cut: 1 more]"', ENTRY_MIN_BYTES);
    } else this.write(value, typeof key === 'string' ? secretName(key) : undefined);
    this.#close(']');
  }

  #fields(value: object, keys: readonly string[], nameOfAll: SecretName | undefined): void {
    const startBytes = this.#open('{');
    let separator = '';
    for (let i = 0; i < keys.length; i += 1) {
      const key = keys[i] ?? '';
      if (this.#leftBytes < MIN_ROOM_BYTES) {
        const more = keys.length - i;
        this.#cut(`${separator}"…":"[cut: ${more} more]"`, more * averageBytes(startBytes - this.#leftBytes, i));
        break;
      }
      const field = this.#read(value, key);
      if (isUnwritten(field)) {
        this.#leftBytes -= 1; // B2
        continue;
      }
      const { json, bytes, name } = this.#key(key);
      this.#json += separator + json;
      this.#leftBytes -= bytes + 1;
      separator = ',';
      this.write(
        field,
        nameOfAll ?? name ?? (key === 'value' || key === 'Value' ? this.#nameBeside(value) : undefined),
      );
    }
    this.#close('}');
  }

  #open(bracket: '[' | '{'): number {
    this.#put(bracket);
    this.#leftBytes -= MARKER_BYTES + 1; // B1
    return this.#leftBytes;
  }

  #close(bracket: ']' | '}'): void {
    this.#json += bracket;
    this.#leftBytes += MARKER_BYTES;
  }

  /** Writes what stands for the rest of a list or an object into the room that was set aside (B1). */
  #cut(marker: string, lostBytes: number): void {
    this.#json += marker;
    this.#leftBytes -= Buffer.byteLength(marker);
    this.#lostBytes += lostBytes;
  }

  #read(from: object, key: string | number): unknown {
    try {
      return (from as Readonly<Record<string | number, unknown>>)[key];
    } catch (thrown) {
      return new Unreadable(thrown); // B3
    }
  }

  #key(key: string): FieldKey {
    const { knownKeys, fitter } = this.#tools;
    const known = knownKeys.get(key);
    if (known !== undefined) return known;
    const name = secretName(key);
    const fitted = fitter.toJson(key, Math.min(MAX_KEY_BYTES, Math.max(MIN_ROOM_BYTES, this.#leftBytes)), this.counts);
    if (fitted.cutBytes > 0) this.#lostBytes += fitted.cutBytes;
    const made = { json: `${fitted.json}:`, bytes: fitted.bytes + 1, name };
    if (key.length > MAX_KNOWN_KEY_CHARS || fitted.text !== key) return made; // one with a secret in it is counted each time
    if (knownKeys.size >= MAX_KNOWN_KEYS) knownKeys.clear();
    knownKeys.set(key, made);
    return made;
  }

  /** `{name: 'DB_PASSWORD', value: 'x'}`: what the field beside a `value` says of it. */
  #nameBeside(value: object): SecretName | undefined {
    for (const key of ['name', 'Name', 'key', 'Key']) {
      const name = Object.hasOwn(value, key) ? this.#read(value, key) : undefined;
      if (typeof name === 'string') return secretName(name);
    }
    return undefined;
  }

  #tooDeep(): void {
    this.#cut(`"[cut: deeper than ${MAX_DEPTH} levels]"`, ENTRY_MIN_BYTES);
  }
}
