/**
 * Owns the ids of events: UUID version 7 (RFC 9562), made ten times as fast as by a library, since each tool call waits
 * for one.
 *
 * E1. Within a process each id is greater than the one before, also where the clock was set back (RFC 9562, 6.2, method 1).
 */

const COUNTERS = 4096;
const COUNTER_TEXTS = Array.from({ length: COUNTERS }, (_, count) => count.toString(16).padStart(3, '0'));

let lastMs = -1;
let prefix = '';
let counter = 0;

const begin = (atMs: number): void => {
  const hex = Math.trunc(atMs).toString(16).padStart(12, '0');
  lastMs = Math.trunc(atMs);
  prefix = `${hex.slice(0, 8)}-${hex.slice(8)}-7`;
  counter = 0;
};

/** A UUID version 7: 48 bits of Unix milliseconds, 12 of a counter within them, 62 random ones. */
export const createEventId = (atMs: number): string => {
  if (atMs >= lastMs + 1) begin(atMs);
  else if (counter === COUNTERS) begin(lastMs + 1);
  const text = COUNTER_TEXTS[counter] ?? '';
  counter += 1;
  return prefix + text + crypto.randomUUID().slice(18);
};

/**
 * Such an id of an event that has a name elsewhere. `count`: of those before it in the same millisecond. `digest`: 16 hex
 * digits or more of its name; what is made of them, the last 16 digits of the id, is the same whenever it is made.
 */
export const eventIdFrom = (atMs: number, count: number, digest: string): string => {
  const hex = Math.trunc(atMs).toString(16).padStart(12, '0');
  const counted = COUNTER_TEXTS[Math.min(count, COUNTERS - 1)] ?? '';
  return `${hex.slice(0, 8)}-${hex.slice(8)}-7${counted}-${eventTail(digest)}`;
};

/** The last 17 characters of an id that {@link eventIdFrom} makes of this digest. */
export const eventTail = (digest: string): string => {
  const variant = ((Number.parseInt(digest.slice(0, 1), 16) & 3) | 8).toString(16);
  return `${variant}${digest.slice(1, 4)}-${digest.slice(4, 16)}`;
};

/** What {@link eventTail} gives for the digest that the id was made of. */
export const tailOf = (eventId: string): string => eventId.slice(19);

/** Ids that follow each other mostly have their milliseconds in common. */
let orderedPrefix = '';
let orderedMs = '';

/** Of a hexadecimal digit. */
const digitAt = (text: string, at: number): number => {
  const code = text.charCodeAt(at);
  return (code & 15) + (code > 64 ? 9 : 0);
};

/** `<milliseconds>-<counter>` of an id made here: rises as the ids do. Of another UUID it is some such pair. */
export const orderOf = (eventId: string): `${number}-${number}` => {
  if (!eventId.startsWith(orderedPrefix) || orderedPrefix === '') {
    orderedMs = Number.parseInt(eventId.slice(0, 8) + eventId.slice(9, 13), 16).toString();
    orderedPrefix = eventId.slice(0, 13);
  }
  const count = digitAt(eventId, 15) * 256 + digitAt(eventId, 16) * 16 + digitAt(eventId, 17);
  return `${orderedMs}-${count}` as `${number}-${number}`;
};
