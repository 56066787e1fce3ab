/** Owns how people write sizes (`64MiB`, `100MB`) and durations (`30s`, `1h30m`), and how nika writes them back. Pure. */
import { z } from 'zod';

const BYTES_OF_UNIT: Readonly<Record<string, number>> = {
  b: 1,
  kb: 1e3,
  mb: 1e6,
  gb: 1e9,
  tb: 1e12,
  kib: 1024,
  mib: 1024 ** 2,
  gib: 1024 ** 3,
  tib: 1024 ** 4,
};

const MS_OF_UNIT: Readonly<Record<string, number>> = { ms: 1, s: 1e3, m: 6e4, h: 36e5, d: 864e5 };

const SIZE = /^(\d+(?:\.\d+)?) ?([kKmMgGtT]?[iI]?[bB])?$/;
const DURATION =
  /^(?=\d)(?:\d+(?:\.\d+)?d)?(?:\d+(?:\.\d+)?h)?(?:\d+(?:\.\d+)?m(?!s))?(?:\d+(?:\.\d+)?s)?(?:\d+(?:\.\d+)?ms)?$/;
const DURATION_PART = /(\d+(?:\.\d+)?)(ms|[dhms])/g;

/** Timers of Node hold 31 bits of milliseconds. */
export const MAX_DURATION_MS = 24 * 864e5;

/** Whole bytes; `undefined`: not a size. A number, or digits alone, are bytes. */
export const parseBytes = (size: string | number): number | undefined => {
  const match = SIZE.exec(String(size).trim());
  if (match === null) return undefined;
  const factor = BYTES_OF_UNIT[(match[2] ?? 'b').toLowerCase()];
  const bytes = factor === undefined ? Number.NaN : Math.round(Number(match[1]) * factor);
  return Number.isSafeInteger(bytes) ? bytes : undefined;
};

/** Whole milliseconds; `undefined`: not a duration. The unit must be said, the greatest comes first. */
export const parseDurationMs = (duration: string): number | undefined => {
  const text = duration.trim();
  if (!DURATION.test(text)) return undefined;
  let ms = 0;
  for (const [, count, unit] of text.matchAll(DURATION_PART))
    ms += Number(count) * (MS_OF_UNIT[unit ?? ''] ?? Number.NaN);
  return Number.isFinite(ms) ? Math.round(ms) : undefined;
};

/** `64MiB`, `1.5KiB`, `100B`: what {@link parseBytes} reads back, to two digits. */
export const formatBytes = (bytes: number): string => {
  const unit = ['TiB', 'GiB', 'MiB', 'KiB'].find((name) => bytes >= (BYTES_OF_UNIT[name.toLowerCase()] ?? 0));
  return unit === undefined
    ? `${bytes}B`
    : `${Number((bytes / (BYTES_OF_UNIT[unit.toLowerCase()] ?? 1)).toFixed(2))}${unit}`;
};

/** `1h30m`, `250ms`: what {@link parseDurationMs} reads back. */
export const formatDuration = (durationMs: number): string => {
  let rest = Math.round(durationMs);
  let text = '';
  for (const unit of ['d', 'h', 'm', 's', 'ms']) {
    const count = Math.floor(rest / (MS_OF_UNIT[unit] ?? 1));
    rest -= count * (MS_OF_UNIT[unit] ?? 1);
    if (count > 0) text += `${count}${unit}`;
  }
  return text === '' ? '0s' : text;
};

const SIZE_WANTED = 'must be a size such as 64MiB, 100MB or a number of bytes';
const DURATION_WANTED = 'must be a duration such as 30s, 10m, 1h30m or 250ms';

export interface Range {
  readonly min: number;
  readonly max: number;
}

/** A size in a file; bytes afterwards. */
export const bytesSchema = ({ min, max }: Range) =>
  z
    .union([z.number(), z.string().regex(SIZE, { error: SIZE_WANTED })], { error: SIZE_WANTED })
    .transform((size, context): number => {
      const bytes = parseBytes(size);
      if (bytes !== undefined && bytes >= min && bytes <= max) return bytes;
      const between = `from ${formatBytes(min)} to ${formatBytes(max)}`;
      context.addIssue(bytes === undefined ? SIZE_WANTED : `must be ${between}; this is ${formatBytes(bytes)}`);
      return z.NEVER;
    });

/** Of text that is a duration; what is none was told already. */
const durationProblem = (duration: string, maxMs: number): string | undefined => {
  const ms = parseDurationMs(duration);
  if (ms === undefined) return undefined;
  if (ms < 1) return 'must be longer than nothing';
  return ms > maxMs ? `must be at most ${formatDuration(maxMs)}` : undefined;
};

const durationText = z
  .string({ error: `${DURATION_WANTED} (with its unit)` })
  .regex(DURATION, { error: DURATION_WANTED });

/** A duration in a file, checked and left as it is written; {@link parseDurationMs} reads it. */
export const durationTextSchema = durationText.superRefine((duration, context) => {
  const problem = durationProblem(duration, MAX_DURATION_MS);
  if (problem !== undefined) context.addIssue(problem);
});

const durationUpTo = (maxMs: number) =>
  durationText.transform((duration, context): number => {
    const problem = durationProblem(duration, maxMs);
    if (problem === undefined) return parseDurationMs(duration) ?? 0;
    context.addIssue(problem);
    return z.NEVER;
  });

/** A duration in a file; milliseconds afterwards. */
export const durationSchema = durationUpTo(MAX_DURATION_MS);

/** One that no timer waits for: the times of many pods added up, or how long something is kept. */
export const sumOfDurationsSchema = durationUpTo(10_000 * 864e5);
