/** Owns how programs and agents say what they ask memory for: the words of the command line, times as people say them. */
import { TIME_SPAN_FORMS, tryParseTimeSpan } from '../bus/query/time-span.ts';
import { NikaError } from '../model/error.ts';
import {
  MEMORY_KINDS,
  MEMORY_STATUSES,
  type MemoryFilter,
  memoryFilterSchema,
  type MemoryKind,
} from '../model/memory.ts';

type AnyOf<T extends string> = T | readonly T[];

/** Of all that is given each must hold; of several values of one, any. */
export interface RecallFilter {
  /** What; counting: jobs where nothing is said. */
  readonly type?: AnyOf<MemoryKind>;
  /** Last state: `created` (not over), `completed`, `failed`, `cancelled`; of a session how it ended. */
  readonly status?: AnyOf<string>;
  readonly domain?: AnyOf<string>;
  readonly intent?: AnyOf<string>;
  /** Name of the job definition. */
  readonly job?: AnyOf<string>;
  /** Which agent CLI. */
  readonly agent?: AnyOf<string>;
  /** A model that was used. */
  readonly model?: AnyOf<string>;
  /** A tool that was called. */
  readonly tool?: AnyOf<string>;
  readonly host?: AnyOf<string>;
  readonly role?: AnyOf<string>;
  readonly tag?: AnyOf<string>;
  /** Id of the entity. */
  readonly entity?: AnyOf<string>;
  readonly session?: AnyOf<string>;
  /** The topmost JOB, or the PROJ. */
  readonly root?: AnyOf<string>;
  readonly parent?: AnyOf<string>;
  /** Not before: `2026-04-01`, `2026-04`, `30d` ago; UTC. */
  readonly from?: string | Date;
  /** Before: `2026-05-01` and `2026-05` both end with April. */
  readonly to?: string | Date;
}

const usage = (message: string, remedy: string): NikaError => new NikaError('NIKA_CLI_USAGE', message, { remedy });

/** Callers without types give what they like. */
const timeOf = (name: string, given: unknown, nowMs: number): number | undefined => {
  if (given === undefined) return undefined;
  const text = typeof given === 'string' ? given : (JSON.stringify(given) ?? typeof given);
  const ms = given instanceof Date ? given.getTime() : tryParseTimeSpan(text, nowMs)?.fromMs;
  if (ms !== undefined && !Number.isNaN(ms)) return ms;
  throw usage(`${name} is no time that is known: ${text.slice(0, 80)}`, `Write it as ${TIME_SPAN_FORMS}; UTC.`);
};

const listOf = (given: AnyOf<string>): readonly string[] => (typeof given === 'string' ? [given] : given);

const mustBe = (name: string, given: AnyOf<string> | undefined, known: readonly string[]): void => {
  const wrong = given === undefined ? undefined : listOf(given).find((one) => !known.includes(one));
  if (wrong !== undefined)
    throw usage(`${name} does not know "${wrong.slice(0, 80)}"`, `It is one of ${known.join(', ')}.`);
};

/** @throws {NikaError} `NIKA_CLI_USAGE`, with what is wrong */
export const parseRecallFilter = (given: RecallFilter, nowMs: number): MemoryFilter => {
  const { type, from, to, ...rest } = given;
  mustBe('type', type, MEMORY_KINDS);
  mustBe('status', rest.status, MEMORY_STATUSES);
  const fromMs = timeOf('from', from, nowMs);
  const untilMs = timeOf('to', to, nowMs);
  if (fromMs !== undefined && untilMs !== undefined && fromMs >= untilMs)
    throw usage('from is not before to', 'All of April is from 2026-04-01 to 2026-05-01.');
  const fields = { ...rest, kind: type, fromMs, untilMs };
  const known = Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
  const parsed = memoryFilterSchema.safeParse(known);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw usage(
    `what is asked of memory is wrong: ${issue?.path.join('.') ?? ''} ${issue?.message ?? ''}`,
    'Correct it.',
  );
};
