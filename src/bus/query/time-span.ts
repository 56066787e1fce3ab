/** Owns how people say a time on the command line: `2d`, `2026-04-12`, `2026-04`, `2026-04-12T10:30`. Pure; UTC. */

/** From `fromMs` up to, not including, `untilMs`; milliseconds since 1970, UTC. */
export interface TimeSpan {
  readonly fromMs: number;
  readonly untilMs: number;
}

/** What {@link tryParseTimeSpan} reads; for messages. */
export const TIME_SPAN_FORMS = '30s, 15m, 2h, 3d, 2w, 2026, 2026-04, 2026-04-12, 2026-04-12T10:30 or …T10:30:05.123Z';

const MS_OF_UNIT: Readonly<Record<string, number>> = { s: 1e3, m: 6e4, h: 36e5, d: 864e5, w: 6048e5 };

const AGO = /^(\d{1,9})([smhdw])$/;
const CALENDAR = /^(\d{4})(?:-(\d{2})(?:-(\d{2}))?)?$/;
const CLOCK =
  /^\d{4}-\d{2}-\d{2}[T ](?:[01]\d|2[0-3]):[0-5]\d(?:(:[0-5]\d)(\.\d{1,9})?)?(Z|[+-](?:[01]\d|2[0-3]):?[0-5]\d)?$/i;

const instant = (ms: number): TimeSpan => ({ fromMs: ms, untilMs: ms + 1 });

/** A year, month or day as a whole; 31 April is none. */
const calendarSpan = (text: string): TimeSpan | undefined => {
  const [, year, month, day] = CALENDAR.exec(text) ?? [];
  if (year === undefined) return undefined;
  const y = Number(year);
  const m = month === undefined ? 0 : Number(month) - 1;
  const d = day === undefined ? 1 : Number(day);
  const from = new Date(0);
  from.setUTCFullYear(y, m, d);
  if (from.getUTCFullYear() !== y || from.getUTCMonth() !== m || from.getUTCDate() !== d) return undefined;
  const until = new Date(from);
  if (month === undefined) until.setUTCFullYear(y + 1);
  else if (day === undefined) until.setUTCMonth(m + 1);
  else until.setUTCDate(d + 1);
  return { fromMs: from.getTime(), untilMs: until.getTime() };
};

const clockTime = (text: string): number | undefined => {
  const match = CLOCK.exec(text);
  if (match === null || calendarSpan(text.slice(0, 10)) === undefined) return undefined;
  const ms = Date.parse(`${text.replace(' ', 'T')}${match[3] === undefined ? 'Z' : ''}`);
  return Number.isNaN(ms) ? undefined : ms;
};

/**
 * The span that `text` names. A duration is that long before `nowMs`; a year, month or day is the whole of it, so that
 * "since 2026-04 until 2026-04" is April; times without a zone are UTC, as on the bus. `undefined`: none of these.
 */
export const tryParseTimeSpan = (text: string, nowMs: number): TimeSpan | undefined => {
  const wanted = text.trim();
  const ago = AGO.exec(wanted);
  if (ago !== null) return instant(Math.max(0, nowMs - Number(ago[1]) * (MS_OF_UNIT[ago[2] ?? ''] ?? 0)));
  const calendar = calendarSpan(wanted);
  if (calendar !== undefined) return calendar;
  const ms = clockTime(wanted);
  return ms === undefined ? undefined : instant(ms);
};

const LAST_MS = Date.UTC(9999, 11, 31, 23, 59, 59, 999);
const FIRST_MS = Date.UTC(0, 0, 1);

/** A time as it stands on the bus: ISO 8601, UTC, 24 characters, so that texts compare as times do. */
export const toTs = (atMs: number): string => new Date(Math.min(LAST_MS, Math.max(FIRST_MS, atMs))).toISOString();
