/**
 * Owns what stands in a body for values that JSON has no word for. Nothing here reads more of a value than there is room for.
 *
 * Bytes that are text are told as text, so that they are redacted like all text. Of other bytes only the first eight are told,
 * and only of more than 256: that names a file's type and is no part of a key.
 */
import { types } from 'node:util';
import { errorMessage } from '../model/error.ts';
import { OVERLAP_CHARS, TextHead } from './body-text.ts';

const MAX_BYTES_PER_CHAR = 4;
const LOOKED_AT_BYTES = 1_024;
/** As many odd characters in a hundred make bytes no text. */
const MAX_ODD_PERCENT = 10;
const BEGINNING_BYTES = 8;
const BEGINNING_FROM_BYTES = 257;
const MAX_WHY_CHARS = 256;
const MAX_STACK_CHARS = 8_192;
const MAX_ERROR_FIELDS = 1_000;
/** The shortest entry of a list takes so many bytes. */
const ENTRY_BYTES = 2;
const MAX_DECIMAL = 1n << 192n;

/** Could not be read: a getter, a trap or a toJSON threw. */
export class Unreadable {
  readonly why: string;

  constructor(thrown: unknown) {
    const message: unknown = errorMessage(thrown); // an error's message need not be a text
    this.why = `[unreadable: ${typeof message === 'string' ? message.slice(0, MAX_WHY_CHARS) : 'unknown error'}]`;
  }
}

/** The first items of a list that may be longer. */
export class ListHead {
  readonly items: readonly unknown[];
  readonly totalCount: number;

  constructor(items: readonly unknown[], totalCount: number) {
    this.items = items;
    this.totalCount = totalCount;
  }
}

/** One entry of a map: written as a pair; its key says what its value is. */
export class MapEntry {
  readonly key: unknown;
  readonly value: unknown;

  constructor(key: unknown, value: unknown) {
    this.key = key;
    this.value = value;
  }
}

const ODD = /[\u0000-\u0007\u000B\u000E-\u001A\u001C-\u001F\u007F\uFFFD]/g; // oxlint-disable-line eslint/no-control-regex

const looksLikeText = (bytes: Buffer): boolean => {
  const text = bytes.toString('utf8', 0, LOOKED_AT_BYTES);
  return (text.match(ODD)?.length ?? 0) * 100 <= text.length * MAX_ODD_PERCENT;
};

/** Bytes as `{"$binary": <how many>, "text": …}`, or with the first eight as hex where they are no text. */
const describeBytes = (bytes: Buffer, roomBytes: number): object => {
  const $binary = bytes.byteLength;
  if ($binary === 0) return { $binary };
  if (!looksLikeText(bytes)) {
    if ($binary < BEGINNING_FROM_BYTES) return { $binary };
    return { $binary, begins: bytes.toString('hex', 0, BEGINNING_BYTES) };
  }
  const near = bytes.toString('utf8', 0, roomBytes + MAX_BYTES_PER_CHAR * OVERLAP_CHARS);
  const isAll = $binary <= roomBytes + MAX_BYTES_PER_CHAR * OVERLAP_CHARS;
  return { $binary, text: isAll ? near : new TextHead(near, near.length - OVERLAP_CHARS, $binary) };
};

const describeBinary = (value: NodeJS.ArrayBufferView | ArrayBufferLike, roomBytes: number): object => {
  if (!ArrayBuffer.isView(value)) return describeBytes(Buffer.from(value), roomBytes);
  if (types.isUint8Array(value))
    return describeBytes(Buffer.from(value.buffer, value.byteOffset, value.byteLength), roomBytes);
  return { $binary: value.byteLength, type: Object.prototype.toString.call(value).slice('[object '.length, -1) };
};

const read = (from: object, key: string): unknown => {
  try {
    return Reflect.get(from, key);
  } catch (thrown) {
    return new Unreadable(thrown);
  }
};

const cappedStack = (stack: unknown): unknown =>
  typeof stack === 'string' && stack.length > MAX_STACK_CHARS
    ? new TextHead(stack.slice(0, MAX_STACK_CHARS + OVERLAP_CHARS), MAX_STACK_CHARS, Buffer.byteLength(stack))
    : stack;

const describeError = (error: object): object => {
  const described: Record<string, unknown> = Object.create(null) as Record<string, unknown>; // a field may be called __proto__
  for (const key of ['name', 'message']) described[key] = read(error, key);
  for (const key of Object.keys(error).slice(0, MAX_ERROR_FIELDS)) described[key] ??= read(error, key);
  for (const key of ['errors', 'cause']) if (Object.hasOwn(error, key)) described[key] = read(error, key);
  described['stack'] = cappedStack(read(error, 'stack'));
  return described;
};

const firstOf = <T>(values: Iterable<T>, maxCount: number): readonly T[] => {
  const first: T[] = [];
  for (const value of values) {
    if (first.length >= maxCount) break;
    first.push(value);
  }
  return first;
};

// Asked of the prototypes, not of the value: a subclass may have put something else in their place.
const describeMap = (map: Map<unknown, unknown>, roomBytes: number): object => {
  const first = firstOf(Map.prototype.entries.call(map), roomBytes / ENTRY_BYTES);
  const entries = first.map(([key, value]) => new MapEntry(key, value));
  return { $map: new ListHead(entries, Reflect.get(Map.prototype, 'size', map)) };
};

const describeSet = (set: Set<unknown>, roomBytes: number): object => {
  const first = firstOf(Set.prototype.values.call(set), roomBytes / ENTRY_BYTES);
  return { $set: new ListHead(first, Reflect.get(Set.prototype, 'size', set)) };
};

const unboxed = (value: object): unknown => {
  if (types.isStringObject(value)) return String.prototype.valueOf.call(value);
  if (types.isNumberObject(value)) return Number.prototype.valueOf.call(value);
  if (types.isBooleanObject(value)) return Boolean.prototype.valueOf.call(value);
  return types.isBigIntObject(value) ? BigInt.prototype.valueOf.call(value) : null;
};

const isBinary = (value: object): value is NodeJS.ArrayBufferView | ArrayBufferLike =>
  ArrayBuffer.isView(value) || types.isAnyArrayBuffer(value);

/** What a `toJSON` gave is written as it is, but for bytes: they have a field for each byte. */
const describeJson = (json: unknown, roomBytes: number): unknown =>
  typeof json === 'object' && json !== null && isBinary(json) ? describeBinary(json, roomBytes) : json;

/**
 * What is written for an object that is neither a list nor plain: another value, or itself: its own fields.
 * @throws whatever a `toJSON` or a trap throws
 */
export const describeSpecial = (value: object, roomBytes: number): unknown => {
  if (isBinary(value)) return describeBinary(value, roomBytes);
  const { toJSON } = value as { readonly toJSON?: unknown };
  if (typeof toJSON === 'function') return describeJson(Reflect.apply(toJSON, value, ['']), roomBytes);
  if (types.isMap(value)) return describeMap(value, roomBytes);
  if (types.isSet(value)) return describeSet(value, roomBytes);
  if (types.isNativeError(value) || value instanceof Error) return describeError(value);
  if (types.isRegExp(value)) return RegExp.prototype.toString.call(value);
  return types.isBoxedPrimitive(value) ? unboxed(value) : value;
};

/** `123n`; a huge one by its size alone: its decimal digits take long to find. */
export const describeBigInt = (value: bigint): string =>
  value < MAX_DECIMAL && value > -MAX_DECIMAL ? `${value}n` : `[bigint of about ${value.toString(16).length * 4} bits]`;
