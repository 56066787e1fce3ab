/** Owns the filters of `nika memory …`: flags as people type them, made into what memory is asked. */
import { type Command, Option } from 'commander';
import { TIME_SPAN_FORMS } from '../../bus/query/time-span.ts';
import { nearest } from '../../config/yaml/nearest.ts';
import { NikaError } from '../../model/error.ts';
import { sessionIdSchema } from '../../model/id.ts';
import {
  MEMORY_KINDS,
  MEMORY_STATUSES,
  type MemoryFilter,
  memoryFilterSchema,
  type MemoryKind,
} from '../../model/memory.ts';
import { parseTime } from '../bus/bus-query.ts';
import { resolveEntity } from '../bus/resolve-entity.ts';

type Texts = readonly string[];

export interface FilterFlags {
  readonly type?: Texts;
  readonly status?: Texts;
  readonly domain?: Texts;
  readonly intent?: Texts;
  readonly job?: Texts;
  readonly agent?: Texts;
  readonly model?: Texts;
  readonly tool?: Texts;
  readonly host?: Texts;
  readonly role?: Texts;
  readonly tag?: Texts;
  readonly entity?: Texts;
  readonly session?: Texts;
  readonly root?: Texts;
  readonly parent?: Texts;
  readonly from?: string;
  readonly to?: string;
  readonly since?: string;
  readonly until?: string;
}

const usage = (message: string, remedy: string): NikaError => new NikaError('NIKA_CLI_USAGE', message, { remedy });
const collect = (value: string, before: Texts = []): Texts => [...before, value];

const OPTIONS: readonly (readonly [flags: string, description: string])[] = [
  ['--type <type>', `what: ${MEMORY_KINDS.join(', ')}`],
  ['--status <status>', 'last state: created (not over), completed, failed, cancelled; of a session how it ended'],
  ['--domain <domain>', 'domain of the job'],
  ['--intent <intent>', 'intent of the job'],
  ['--job <name>', 'name of the job definition'],
  ['--agent <agent>', 'which agent CLI, such as claude-code'],
  ['--model <model>', 'a model that was used'],
  ['--tool <tool>', 'a tool that was called'],
  ['--host <host>', 'where it ran'],
  ['--role <role>', 'role in the envelope'],
  ['--tag <tag>', 'a tag of the envelope'],
  ['--entity <id>', 'this entity: id, unique prefix, @last, or name of a running job'],
  ['--session <id>', 'this session'],
  ['--root <id>', 'all below this topmost JOB, or PROJ'],
  ['--parent <id>', 'what belongs to this entity'],
];

/** Each may be given several times: any of the values will do. */
export const withFilters = (command: Command): Command => {
  for (const [flags, description] of OPTIONS) command.option(flags, description, collect);
  return command
    .option('--from <time>', 'not before: 2026-04-01, 2026-04, 2026-04-12T10:30, or 30s, 2h, 3d, 2w ago (UTC)')
    .option('--to <time>', 'before: --to 2026-05-01 and --to 2026-05 both end with April')
    .option('--since <time>', 'the same as --from')
    .addOption(new Option('--until <time>', 'as in other commands: a day, month or year is all of it').conflicts('to'));
};

const oneOf = <T extends string>(flag: string, texts: Texts, known: readonly T[]): readonly T[] =>
  texts.map((text) => {
    const found = known.find((one) => one === text.toLowerCase());
    if (found !== undefined) return found;
    const near = nearest(text, known);
    const meant = near === undefined ? '' : ` Did you mean ${near}?`;
    throw usage(`${flag} does not know "${text.slice(0, 80)}"`, `It is one of ${known.join(', ')}.${meant}`);
  });

const WHOLE_ID = /^(?:PROJ|JOB|TASK|SUB)-[A-Za-z0-9][A-Za-z0-9._-]*$/;
const NOT_HERE: readonly string[] = ['NIKA_BUS_NO_ENTITY', 'NIKA_BUS_UNREADABLE'];

/** A whole id needs not to be on this bus: memory may be shared with other homes. @throws {NikaError} */
export const entityOf = async (text: string, busDir: string): Promise<string> => {
  try {
    return await resolveEntity(text, busDir);
  } catch (thrown) {
    const isUnknown = thrown instanceof NikaError && NOT_HERE.includes(thrown.code);
    if (isUnknown && WHOLE_ID.test(text)) return text;
    throw thrown;
  }
};

const entitiesOf = (texts: Texts, busDir: string): Promise<Texts> =>
  Promise.all(texts.map((text) => entityOf(text, busDir)));

const sessionsOf = (texts: Texts): Texts =>
  texts.map((text) => {
    const id = sessionIdSchema.safeParse(text.toLowerCase());
    if (id.success) return id.data;
    throw usage(
      `--session takes the whole id of a session, not "${text.slice(0, 80)}"`,
      'nika bus show <id> tells it.',
    );
  });

/** @throws {NikaError} `NIKA_CLI_USAGE` */
const timesOf = (flags: FilterFlags): Pick<MemoryFilter, 'fromMs' | 'untilMs'> => {
  if (flags.from !== undefined && flags.since !== undefined)
    throw usage('--from and --since exclude each other', 'They mean the same: give one of the two.');
  const [fromFlag, from] = flags.from === undefined ? ['--since', flags.since] : ['--from', flags.from];
  const [toFlag, to] = flags.to === undefined ? ['--until', flags.until] : ['--to', flags.to];
  const fromMs = from === undefined ? undefined : parseTime(fromFlag, from).fromMs;
  const end = to === undefined ? undefined : parseTime(toFlag, to);
  const untilMs = toFlag === '--to' ? end?.fromMs : end?.untilMs;
  if (fromMs !== undefined && untilMs !== undefined && fromMs >= untilMs)
    throw usage(
      `${fromFlag} ${from} is not before ${toFlag} ${to}`,
      `${toFlag === '--to' ? '--to is when the time ends: all of April is --from 2026-04-01 --to 2026-05-01' : `Give the earlier time to ${fromFlag}`}.`,
    );
  return { ...(fromMs === undefined ? {} : { fromMs }), ...(untilMs === undefined ? {} : { untilMs }) };
};

const present = (fields: Readonly<Record<string, Texts | undefined>>): Readonly<Record<string, Texts>> =>
  Object.fromEntries(Object.entries(fields).flatMap(([name, texts]) => (texts === undefined ? [] : [[name, texts]])));

const MAX_LENGTH = 200;

/** @throws {NikaError} `NIKA_CLI_USAGE`; `NIKA_BUS_NO_ENTITY`, `NIKA_ENTITY_AMBIGUOUS` */
export const parseFilter = async (flags: FilterFlags, busDir: string): Promise<MemoryFilter> => {
  const { type, status, entity, root, parent, session, domain, intent, job, agent, model, tool, host, role, tag } =
    flags;
  const plain = present({ domain, intent, job, agent, model, tool, host, role, tag });
  for (const [name, texts] of Object.entries(plain)) {
    const wrong = texts.find((text) => text === '' || text.length > MAX_LENGTH);
    if (wrong !== undefined)
      throw usage(`--${name} takes 1 to ${MAX_LENGTH} characters`, `Give it a ${name}, or leave it out.`);
  }
  const kind: readonly MemoryKind[] | undefined = type === undefined ? undefined : oneOf('--type', type, MEMORY_KINDS);
  const given = {
    ...plain,
    ...present({
      kind,
      status: status === undefined ? undefined : oneOf('--status', status, MEMORY_STATUSES),
      entity: entity === undefined ? undefined : await entitiesOf(entity, busDir),
      root: root === undefined ? undefined : await entitiesOf(root, busDir),
      parent: parent === undefined ? undefined : await entitiesOf(parent, busDir),
      session: session === undefined ? undefined : sessionsOf(session),
    }),
    ...timesOf(flags),
  };
  const parsed = memoryFilterSchema.safeParse(given);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw usage(`--${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'is wrong'}`, 'Give it fewer values.');
};

export const FILTER_HELP = `A flag that is given several times takes any of its values; of different flags each must hold. Times are UTC:
${TIME_SPAN_FORMS}.`;
