/** Owns what people ask of the bus on the command line, made into a query. */
import { tryParseLine } from '../../bus/line.ts';
import { STATUSES, type LineFilter, type LineQuery } from '../../bus/query/line-filter.ts';
import { TIME_SPAN_FORMS, toTs, tryParseTimeSpan, type TimeSpan } from '../../bus/query/time-span.ts';
import { nearest } from '../../config/yaml/nearest.ts';
import { NikaError } from '../../model/error.ts';
import { ENTITY_TYPES, type EntityId } from '../../model/id.ts';
import { isMessageType, MESSAGE_TYPES } from '../../model/message.ts';
import { resolveEntity } from './resolve-entity.ts';

export interface QueryOptions {
  readonly since?: string;
  readonly until?: string;
  readonly entity?: string;
  readonly type?: string;
  readonly domain?: string;
  readonly intent?: string;
  readonly status?: string;
}

const usage = (message: string, remedy: string): NikaError => new NikaError('NIKA_CLI_USAGE', message, { remedy });

const NEEDS_UNICODE = /\\[pPu]\{/;

/** A pattern as people type it. @throws {NikaError} `NIKA_CLI_USAGE` that says what is wrong with it. */
export const parseRegex = (pattern: string, ignoreCase: boolean): RegExp => {
  try {
    return new RegExp(pattern, `${ignoreCase ? 'i' : ''}${NEEDS_UNICODE.test(pattern) ? 'u' : ''}`);
  } catch (thrown) {
    const why = thrown instanceof Error ? thrown.message.replace(/^.*: /s, '') : 'it cannot be read';
    throw usage(
      `"${pattern}" is not a regular expression: ${why}`,
      'Write it as in JavaScript; put \\ before a ( ) [ ] { } + * ? . | ^ $ \\ that is meant as such.',
    );
  }
};

/** @throws {NikaError} `NIKA_CLI_USAGE` */
export const parseTime = (flag: string, text: string): TimeSpan => {
  const span = tryParseTimeSpan(text, Date.now());
  if (span !== undefined) return span;
  throw usage(`${flag} does not know the time "${text}"`, `Write it as ${TIME_SPAN_FORMS}; times are UTC.`);
};

const checkStatus = (status: string): string => {
  if (STATUSES.includes(status)) return status;
  throw usage(`there is no status "${status}"`, `It is one of ${STATUSES.join(', ')}.`);
};

/** A number of lines or of roots. @throws {NikaError} `NIKA_CLI_USAGE` */
export const parseCount = (flag: string, text: string): number => {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw usage(`${flag} takes a number, not "${text}"`, `Write it as digits: ${flag} 50`);
};

/** Whether a line is about an entity of the type; `undefined`: of any. @throws {NikaError} `NIKA_CLI_USAGE` */
export const entityTypeFilter = (text: string | undefined): LineFilter | undefined => {
  if (text === undefined) return undefined;
  const type = ENTITY_TYPES.find((known) => known === text.toUpperCase());
  if (type === undefined) {
    throw usage(`there is no entity type "${text}"`, `It is one of ${ENTITY_TYPES.join(', ')}.`);
  }
  return (line) => {
    if (!line.includes(`"${type}-`)) return false;
    const parsed = tryParseLine(line);
    const subject = parsed?.meta['entity_id'] ?? parsed?.entity; // a SUB's lines stand in its parent's channel
    return typeof subject === 'string' && subject.startsWith(`${type}-`);
  };
};

/** Said where nothing was found of a type that is not nika's: types of others are searched, but may be a slip. */
export const unknownTypeHint = (type: string | undefined): string | undefined => {
  if (type === undefined || isMessageType(type)) return undefined;
  const near = nearest(type, MESSAGE_TYPES);
  const meant = near === undefined ? `nika's are ${MESSAGE_TYPES.join(', ')}` : `did you mean ${near}?`;
  return `no line has the type "${type}"; ${meant}`;
};

/** The entity of the first bus that knows it. */
const resolveAnywhere = async (text: string, busDirs: readonly string[]): Promise<EntityId> => {
  let notFound: unknown;
  for (const busDir of busDirs) {
    try {
      return await resolveEntity(text, busDir);
    } catch (thrown) {
      const isAbsent = thrown instanceof NikaError && thrown.code === 'NIKA_BUS_NO_ENTITY';
      if (!isAbsent) throw thrown;
      notFound ??= thrown;
    }
  }
  throw notFound;
};

/**
 * @throws {NikaError} `NIKA_CLI_USAGE` for a time or a status that is none; `NIKA_BUS_NO_ENTITY`,
 * `NIKA_ENTITY_AMBIGUOUS` for the entity.
 */
export const parseQuery = async (options: QueryOptions, busDirs: readonly string[]): Promise<LineQuery> => {
  const { since, until, entity, type, domain, intent, status } = options;
  const from = since === undefined ? undefined : parseTime('--since', since).fromMs;
  const to = until === undefined ? undefined : parseTime('--until', until).untilMs;
  if (from !== undefined && to !== undefined && from >= to) {
    throw usage(`--since ${since} is not before --until ${until}`, 'Give the earlier time to --since.');
  }
  return {
    ...(from === undefined ? {} : { sinceTs: toTs(from) }),
    ...(to === undefined ? {} : { untilTs: toTs(to) }),
    ...(entity === undefined ? {} : { entity: await resolveAnywhere(entity, busDirs) }),
    ...(type === undefined ? {} : { type }),
    ...(domain === undefined ? {} : { domain }),
    ...(intent === undefined ? {} : { intent }),
    ...(status === undefined ? {} : { status: checkStatus(status) }),
  };
};
