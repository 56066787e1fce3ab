/**
 * Owns the settings of `config/nika.yaml`: their names, units and defaults, resolved once into a frozen value.
 * Everything is present in it, whether the file says so or not; only what has no default may be absent.
 */
import { isAbsolute, join, resolve } from 'node:path';
import { z } from 'zod';
import { type BudgetLimits, budgetSchema, costSchema, tokensSchema } from './budget-limits.ts';
import { type Home, settingsFile } from './home.ts';
import { alphaSchema } from './alpha/alpha-settings.ts';
import { agentsSchema } from './agents/agent-settings.ts';
import { HOOKS_NOTE, hooksSchema, POLICY_NOTE, policySchema } from './hooks/hooks.ts';
import { KEEP_WORKTREE } from './job/worktree-field.ts';
import { notifySchema } from './notify/notify-settings.ts';
import { PRICES_NOTE, pricesSchema } from './prices/price.ts';
import { bytesSchema, durationSchema } from './quantity.ts';
import { mcpSchema } from './mcp-settings.ts';
import { localQdrant } from './memory/local-qdrant.ts';
import { memorySchema } from './memory/memory-settings.ts';
import { type QdrantSettings, qdrantSchema } from './memory/qdrant-settings.ts';
import { localRedis } from './redis/local-redis.ts';
import { redisSchema } from './redis/redis-settings.ts';
import { swarmSchema } from './swarm/swarm-settings.ts';
import { settleTlsFiles } from './redis/tls-files.ts';
import { checkValue, type FieldIssue, fieldName } from './yaml/field-issue.ts';
import { type Frozen, frozen } from './frozen.ts';
import { listSettings, type SettingInfo } from './init/setting-list.ts';
import { type Problem, problemAt, problemsError } from './yaml/problem.ts';
import { readYaml } from './yaml/yaml-file.ts';

const MIB = 1024 ** 2;
const GIB = 1024 ** 3;

const count = (max: number) => z.int().min(1).max(max);
const percent = z.number().min(0).max(100);

const patternSchema = z.string().superRefine((pattern, context) => {
  try {
    if (new RegExp(pattern, 'gu').test(''))
      context.addIssue('must not match the empty text: it would redact everywhere');
  } catch (thrown) {
    context.addIssue(`must be a regular expression of JavaScript (${String(thrown).replace(/^SyntaxError: /, '')})`);
  }
});

const backlogSchema = z.strictObject({
  maxCount: count(10_000_000).prefault(10_000).describe('How many lines are held back.'),
  maxBytes: bytesSchema({ min: 64 * 1024, max: 4 * GIB })
    .prefault('16MiB')
    .describe('How large they may be together.'),
});

const busSchema = z.strictObject({
  keyFile: z
    .string()
    .min(1)
    .optional()
    .meta({ examples: ['/etc/nika/bus.key'] })
    .describe(
      'A file with at least 32 random bytes that keys the hash chain (HMAC); a relative path is inside the home. Never commit it, and set it before the first pod of a home: lines written before are reported as unkeyed for ever. None: unkeyed.',
    ),
  segmentBytes: bytesSchema({ min: 64 * 1024, max: 16 * GIB })
    .prefault('64MiB')
    .describe('Size at which the alpha bus goes on in a new segment.'),
  archiveAfterDays: z
    .number()
    .min(0)
    .max(36_500)
    .prefault(7)
    .describe('Days after which a closed channel is compressed.'),
  backlog: backlogSchema
    .prefault({})
    .describe('What is held back, per file, while _bus/ cannot be written; what does not fit is dropped and counted.'),
});

const redactSchema = z.strictObject({
  name: z
    .string()
    .regex(/^[\w-]{1,40}$/, { error: 'must be 1 to 40 letters, digits, - or _' })
    .describe('Stands in place of the secret, and in the counts.'),
  pattern: patternSchema.describe(
    'A regular expression of JavaScript (flags g and u); all that it matches is taken out.',
  ),
});

const recorderSchema = z.strictObject({
  maxBodyBytes: bytesSchema({ min: 1024, max: 64 * MIB })
    .prefault('1MiB')
    .describe('Size at which the input or the response of a tool call is cut.'),
  redact: z
    .array(redactSchema)
    .max(200)
    .prefault([])
    .meta({ examples: [[{ name: 'staff-id', pattern: String.raw`\bEMP-\d{6}\b` }]] })
    .describe('Your own kinds of secrets, besides those nika knows.'),
});

const logsSchema = z.strictObject({
  level: z
    .enum(['debug', 'info', 'warn', 'error', 'silent'])
    .prefault('info')
    .describe('What is logged: this and all that is worse.'),
  maxBytesPerPod: bytesSchema({ min: 64 * 1024, max: 64 * GIB })
    .prefault('100MiB')
    .describe('Size of the logs of one pod.'),
  maxBytesTotal: bytesSchema({ min: 64 * 1024, max: 1024 * GIB })
    .prefault('2GiB')
    .describe('Size of all logs; above it the oldest go.'),
});

const diskSchema = z.strictObject({
  warnFreePercent: percent.prefault(5).describe('Free disk, in percent, below which nika warns.'),
  noBlobsFreePercent: percent
    .prefault(2.5)
    .describe('Free disk, in percent, below which long bodies are no longer kept whole.'),
});

const podsSchema = z.strictObject({
  cgroup: z
    .boolean()
    .prefault(true)
    .describe('Whether the processes of a pod are held together by a cgroup where the system allows it.'),
  keepEnded: count(1_000_000)
    .prefault(500)
    .describe('How many ended pods are kept for "nika pod ls --all" and a restart; the bus keeps all.'),
});

const worktreesSchema = z
  .strictObject({
    dir: z
      .string()
      .min(1)
      .optional()
      .meta({ examples: ['/var/tmp/worktrees'] })
      .describe(
        "Where the git worktrees of pods are; a relative path is inside the home. None: run/worktrees/ of the home; where that would be inside of the repository's own checkout, worktrees/ in the user's state folder.",
      ),
    keep: z
      .enum(KEEP_WORKTREE)
      .prefault('changed')
      .describe('Whether they stay at the end, where the job does not say: always; changed; never.'),
    timeout: durationSchema.prefault('5m').describe('How long git may take to make one.'),
  })
  .transform(({ timeout, ...rest }) => ({ ...rest, timeoutMs: timeout }));

const limitsSchema = z
  .strictObject({
    toolCalls: count(1_000_000_000)
      .optional()
      .meta({ examples: [500] })
      .describe('Tool calls of a job.'),
    costUsd: costSchema
      .optional()
      .meta({ examples: [5] })
      .describe('US dollars for the models of a job and of all that it starts.'),
    tokens: tokensSchema
      .optional()
      .meta({ examples: [10_000_000] })
      .describe('Tokens of a job and of all that it starts.'),
    wall: durationSchema
      .optional()
      .meta({ examples: ['2h'] })
      .describe('Time of a job from start to end.'),
    perDay: budgetSchema
      .prefault({})
      .describe('What all pods of this home may use in a day (UTC): then they are stopped, and none starts.'),
    pods: count(100_000)
      .prefault(200)
      .describe('Pods of one user that run on a host at once, whatever their home; more wait for a place.'),
  })
  .transform(({ wall, ...limits }): Omit<typeof limits, 'perDay'> & { perDay: BudgetLimits; wallMs?: number } =>
    wall === undefined ? limits : { ...limits, wallMs: wall },
  );

const projectSchema = z.strictObject({
  limits: budgetSchema.prefault({}).describe('What all pods of the project may use, ever.'),
});

const projectsSchema = z
  .record(
    z.string().regex(/^PROJ-[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/, { error: 'must be like PROJ-hooks-refactor' }),
    projectSchema,
  )
  .meta({ examples: [{ 'PROJ-hooks-refactor': { limits: { costUsd: 100 } } }] });

/** The schema of `config/nika.yaml`; its descriptions are the documentation. */
export const settingsSchema = z.strictObject({
  bus: busSchema.prefault({}).describe('The bus: the files under _bus/.'),
  recorder: recorderSchema.prefault({}).describe('What is written down of a tool call.'),
  logs: logsSchema.prefault({}).describe("nika's own logs, under logs/."),
  disk: diskSchema.prefault({}).describe('What happens when the disk fills up.'),
  limits: limitsSchema.prefault({}).describe('Limits: of the host, of a day, and of jobs that set none themselves.'),
  projects: projectsSchema.prefault({}).describe('Projects by their ids, and what all their pods together may use.'),
  prices: pricesSchema.prefault({}).describe(PRICES_NOTE),
  pods: podsSchema.prefault({}).describe('How pods are kept.'),
  worktrees: worktreesSchema.prefault({}).describe('The git worktrees of pods whose job has `worktree`.'),
  agents: agentsSchema.prefault({}).describe('How agents are looked after.'),
  alpha: alphaSchema.prefault({}).describe('What the orchestrator (Alpha) may do by itself.'),
  mcp: mcpSchema.prefault({}).describe('What an agent may do through "nika mcp".'),
  redis: redisSchema
    .prefault({})
    .describe('Where pods tell in real time what happens. Without it they write the bus alone, and lack nothing else.'),
  qdrant: qdrantSchema
    .prefault({})
    .describe('Where memory is: what every pod ever did, recalled and counted. Without it the bus is asked.'),
  memory: memorySchema.prefault({}).describe('What is remembered, for how long, and how it is found again.'),
  swarm: swarmSchema.prefault({}).describe('How jobs are given to workers, on one host or several.'),
  notify: notifySchema.describe(
    'Who is told when a pod waits, fails, is lost or has finished, see docs/notify.md: ways, each with one of desktop, command and webhook. No pod waits for it.',
  ),
  hooks: hooksSchema.prefault({}).describe(`${HOOKS_NOTE} Of the settings: in the home.`),
  policy: policySchema.prefault({}).describe(`${POLICY_NOTE} A job can add to them; it cannot lift them.`),
});

/** All sizes are bytes, all durations milliseconds. `bus.keyFile` and `worktrees.dir` are absolute paths. Frozen, deeply. */
export type Settings = Frozen<z.output<typeof settingsSchema>>;

const localOr = (named: QdrantSettings, runDir: string): QdrantSettings =>
  named.kind === 'off' ? (localQdrant(runDir, named.collection) ?? named) : named;

type Env = Readonly<Record<string, string | undefined>>;

type Tree = Record<string, unknown>;
const isTree = (value: unknown): value is Tree => typeof value === 'object' && value !== null && !Array.isArray(value);

/** A key with nothing behind it is not set: all below it may be comments. */
const withoutNulls = (value: unknown): unknown => {
  if (!isTree(value)) return value;
  const kept = Object.entries(value).filter(([, part]) => part !== null);
  return Object.fromEntries(kept.map(([key, part]) => [key, withoutNulls(part)]));
};

const withSetting = (tree: Tree, [key, ...rest]: readonly string[], value: unknown): Tree => {
  if (key === undefined) return tree;
  const below = tree[key];
  return { ...tree, [key]: rest.length === 0 ? value : withSetting(isTree(below) ? below : {}, rest, value) };
};

/** Text of the environment as its setting wants it; what does not fit is told as what it is. */
const valueOf = (text: string, { type }: SettingInfo): unknown => {
  if (type === 'number' && /^-?\d+(\.\d+)?$/.test(text)) return Number(text);
  if (type === 'boolean' && /^(true|false)$/.test(text)) return text === 'true';
  return text;
};

/**
 * The settings of a home: defaults, then `config/nika.yaml` (which need not be there), then the environment
 * (`NIKA_BUS_SEGMENT_BYTES=16MiB` sets `bus.segmentBytes`; lists cannot be set there). Where none of these names a Redis,
 * it is the one that `nika up` started in this home, if it runs.
 * @throws {NikaError} `NIKA_CONFIG_INVALID` with all that is wrong, each by file, line and field.
 */
export const loadSettings = (home: Home, env: Env = process.env): Settings => {
  const file = settingsFile(home);
  const source = readYaml(file, { ifAbsent: 'empty' });
  if (!source.ok) throw problemsError('NIKA_CONFIG_INVALID', source.problems);
  const { yaml } = source;
  const given = withoutNulls(yaml.value ?? {});
  const overrides = listSettings(settingsSchema).filter(({ env: name }) => (env[name] ?? '') !== '');
  const value = isTree(given)
    ? overrides.reduce((tree, info) => withSetting(tree, info.path, valueOf(env[info.env] ?? '', info)), given)
    : given;
  const problemOf = (issue: FieldIssue): Problem => {
    const override = overrides.find(({ path }) => path.every((part, at) => issue.path[at] === part));
    if (override === undefined) return problemAt(yaml, issue);
    return { file: `environment variable ${override.env}`, field: fieldName(issue.path), message: issue.message };
  };
  const checked = checkValue(settingsSchema, value);
  if (!checked.ok) throw problemsError('NIKA_CONFIG_INVALID', checked.issues.map(problemOf));
  const settings = checked.value;
  const { dir: worktreesDir } = settings.worktrees;
  if (worktreesDir !== undefined) settings.worktrees.dir = resolve(home.dir, worktreesDir);
  const { keyFile } = settings.bus;
  if (keyFile !== undefined && !isAbsolute(keyFile)) settings.bus.keyFile = join(home.dir, keyFile);
  const redis = settleTlsFiles(settings.redis, home.dir);
  if (redis.issues.length > 0) throw problemsError('NIKA_CONFIG_INVALID', redis.issues.map(problemOf));
  const { settings: named } = redis;
  const target = named.kind === 'off' ? (localRedis(home.runDir, named.prefix ?? '') ?? named) : named;
  const qdrant = localOr(settings.qdrant, home.runDir);
  return frozen({ ...settings, redis: target, qdrant });
};
