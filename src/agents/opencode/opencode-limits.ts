/**
 * Owns what the job allows, put into the configuration of opencode when all of its files have been read, so that none of
 * them can allow more. It runs inside of opencode, with the plugin.
 */

export type Fields = Record<string, unknown>;

export interface JobLimits {
  /** What the agent may do without asking; missing: as opencode has it. */
  readonly permission?: 'read' | 'edit';
  /** What becomes of the rest: a person is asked, or nobody is there. */
  readonly otherwise: 'ask' | 'deny';
  readonly maxTurns?: number;
  /** The agent of opencode that is asked for, where it is not its default one. */
  readonly agent?: string;
}

export const fieldsOf = (value: unknown): Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : {};

/** `nika_*`: its own tools, where it is given these. */
const READING = [
  'read',
  'glob',
  'grep',
  'list',
  'lsp',
  'skill',
  'task',
  'todowrite',
  'question',
  'nika_*',
  'plan_enter',
  'plan_exit',
];

/** What nika's job allows, as rules: behind one for everything. */
const jobRules = (allowed: ReadonlySet<string>, otherwise: string): Fields => ({
  '*': otherwise,
  ...Object.fromEntries([...allowed].map((key) => [key, 'allow'])),
  read: { '*': 'allow', '*.env': otherwise, '*.env.*': otherwise, '*.env.example': 'allow' },
});

/** Rules that allow what nika's job does not are taken back; what they deny stays denied. Of those that fit the last holds. */
export const restrict = (config: Fields, { permission, otherwise }: JobLimits): void => {
  if (permission === undefined) return;
  const allowed = new Set(permission === 'edit' ? [...READING, 'edit'] : READING);
  const limit = (rule: unknown): unknown =>
    rule === 'allow' || (rule === 'ask' && otherwise === 'deny')
      ? otherwise
      : typeof rule === 'object' && rule !== null
        ? Object.fromEntries(Object.entries(rule).map(([pattern, value]) => [pattern, limit(value)]))
        : rule;
  const limitOne = ([key, rule]: [string, unknown]): readonly (readonly [string, unknown])[] => {
    if (key === '*' && rule === 'allow') return Object.entries(jobRules(allowed, otherwise));
    return [[key, allowed.has(key) ? rule : limit(rule)]];
  };
  const limitAll = (rules: unknown): Fields => {
    const named = typeof rules === 'string' ? { '*': rules } : fieldsOf(rules);
    return Object.fromEntries(Object.entries(named).flatMap(limitOne));
  };
  config['permission'] = { ...jobRules(allowed, otherwise), ...limitAll(config['permission']) };
  for (const agent of Object.values(fieldsOf(config['agent'])).map(fieldsOf)) {
    if (agent['permission'] !== undefined) agent['permission'] = limitAll(agent['permission']);
  }
};

export const limitTurns = (config: Fields, { maxTurns, agent }: JobLimits): void => {
  if (maxTurns === undefined) return;
  const named = config['default_agent'];
  const name = agent ?? (typeof named === 'string' ? named : 'build');
  const agents = fieldsOf(config['agent']);
  config['agent'] = { ...agents, [name]: { ...fieldsOf(agents[name]), steps: maxTurns } };
};
