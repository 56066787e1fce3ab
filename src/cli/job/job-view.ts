/** Owns how job definitions are shown: the list, one job in full, and what is wrong with one. */
import { relative } from 'node:path';
import type { Job, JobStep } from '../../config/job/job.ts';
import type { FoundJob, JobFile, JobListing } from '../../config/job/job-files.ts';
import { reviewWish } from '../../config/job/review-field.ts';
import { formatProblem, type Problem } from '../../config/yaml/problem.ts';
import { clip } from '../format.ts';
import { asCalled } from '../hint/called-as.ts';
import { cell, renderTable } from '../table.ts';
import type { Terminal } from '../terminal.ts';

const SOURCES = { home: 'home', shipped: 'nika', path: 'file' } as const;

/** A path as one would type it from here, where that is the shorter one. */
const shortPath = (file: string, cwd: string): string => {
  const near = relative(cwd, file);
  return near.length < file.length && !near.startsWith('../../..') ? near : file;
};

const stateOf = ({ outcome, shadowedBy }: JobListing, { cwd, paint }: Terminal): string => {
  if (shadowedBy !== undefined) return paint('dim', `hidden by ${shortPath(shadowedBy, cwd)}`);
  if (outcome.ok) return cell(outcome.job.description);
  const [first] = outcome.problems;
  const more = outcome.problems.length > 1 ? ` (and ${outcome.problems.length - 1} more)` : '';
  return paint(
    'red',
    `broken: ${first === undefined ? '' : cell(formatProblem({ ...first, file: shortPath(first.file, cwd) }))}${more}`,
  );
};

export const renderJobList = (listings: readonly JobListing[], terminal: Terminal): string => {
  const { paint, isInteractive, columns } = terminal;
  const names = listings.map(({ name }) => name.length);
  const room = isInteractive ? Math.max(30, columns - Math.max(4, ...names) - 10) : Number.POSITIVE_INFINITY;
  const rows = listings.map((listing) => {
    const state = stateOf(listing, terminal);
    const isPlain = listing.outcome.ok && listing.shadowedBy === undefined;
    return [cell(listing.name), SOURCES[listing.source], isPlain ? clip(state, room) : state];
  });
  return renderTable([['JOB', 'FROM', 'WHAT IT DOES'].map((title) => paint('dim', title)), ...rows]);
};

export const jobListJson = (listings: readonly JobListing[]): unknown =>
  listings.map(({ name, file, source, shadowedBy, outcome }) => ({
    name,
    source,
    file,
    shadowed_by: shadowedBy ?? null,
    ok: outcome.ok,
    ...(outcome.ok
      ? { description: outcome.job.description, domain: outcome.job.domain, intent: outcome.job.intent }
      : { problems: outcome.problems }),
  }));

const inputRows = (job: Job, paint: Terminal['paint']): readonly (readonly string[])[] => [
  ['INPUT', 'TYPE', 'DEFAULT', ''].map((title) => paint('dim', title)),
  ...Object.entries(job.inputs).map(([name, input]) => [
    name,
    input.type,
    input.default === undefined ? (input.required ? 'required' : '–') : clip(cell(JSON.stringify(input.default)), 40),
    cell(input.description ?? ''),
  ]),
];

const TELLING_KEYS: readonly string[] = ['command', 'argv', 'pattern', 'path', 'glob', 'url'];

/** A step in a few words: its name, else the telling part of its input. */
const describeStep = ({ name, input }: JobStep): string => {
  const key = TELLING_KEYS.find((candidate) => Object.hasOwn(input, candidate));
  const value = name ?? (key === undefined ? input : input[key]);
  return Array.isArray(value) ? value.map(textOf).join(' ') : textOf(value);
};

const stepRows = (job: Job, paint: Terminal['paint']): readonly (readonly string[])[] => [
  ['STEP', 'TOOL', 'TASK', ''].map((title) => paint('dim', title)),
  ...job.steps.map((step, at) => [
    step.id ?? String(at + 1),
    step.tool,
    step.task === undefined ? '–' : cell(step.task),
    clip(cell(describeStep(step)), 100) +
      (step.if === undefined ? '' : paint('dim', `  if ${clip(cell(String(step.if)), 60)}`)),
  ]),
];

const programRows = ({ module, command, agent, prompt, permission }: Job): readonly (readonly string[])[] => {
  if (agent === undefined) return runnerRows({ module, command });
  const asked = typeof prompt === 'object' ? `the file ${prompt.file}` : (prompt ?? 'what is typed on its screen');
  return [
    ['agent', agent],
    ['prompt', clip(cell(asked), 100)],
    ['permission', cell(permission ?? 'ask')],
  ];
};

const runnerRows = ({ module, command }: Pick<Job, 'module' | 'command'>): readonly (readonly string[])[] =>
  module === undefined
    ? [['command', clip(cell(Array.isArray(command) ? command.join(' ') : String(command)), 100)]]
    : [['module', cell(module)]];

const worktreeText = (worktree: NonNullable<Job['worktree']>): string => {
  if (worktree === true) return 'one of its own';
  if (typeof worktree !== 'object') return worktree === 'parent' ? 'that of its parent' : String(worktree);
  const parts = Object.entries(worktree).map(([name, value]) => `${name} ${value}`);
  return ['one of its own', ...parts].join(', ');
};

const reviewText = (field: NonNullable<Job['review']>): string => {
  const { by, rounds } = reviewWish(field) ?? { by: 'people', rounds: 1 };
  return `required, by ${by === 'parent' ? 'its parent pod, else people' : 'people'}, at most ${rounds} rounds`;
};

const labelRows = (job: Job): readonly (readonly string[])[] => {
  const { project, role, tags, cwd, timeout, limits, env } = job;
  const rows: [string, string | number | undefined][] = [
    ['domain', job.domain],
    ['intent', job.intent],
    ['project', project],
    ['role', role],
    ['tags', tags.length === 0 ? undefined : tags.join(', ')],
    ['runs in', cwd ?? 'the folder where the command is given'],
    ['worktree', job.worktree === undefined || job.worktree === false ? undefined : worktreeText(job.worktree)],
    ['env', Object.keys(env).length === 0 ? undefined : Object.keys(env).join(', ')],
    ['timeout', timeout ?? 'none'],
    ['tries', job.retry === undefined ? undefined : `up to ${job.retry.attempts}`],
    ['review', job.review === undefined ? undefined : reviewText(job.review)],
    ['tool calls', limits.tool_calls === undefined ? undefined : `at most ${limits.tool_calls}`],
    ['wall time', limits.wall === undefined ? undefined : `at most ${limits.wall}`],
  ];
  return rows.flatMap(([name, value]) => (value === undefined ? [] : [[name, cell(String(value))]]));
};

export const renderJob = ({ job, file, source }: FoundJob, terminal: Terminal): string => {
  const { paint } = terminal;
  const outputs = Object.entries(job.outputs ?? {});
  const isGivenNothing = Object.values(job.inputs).every(({ required }) => !required);
  const required = Object.entries(job.inputs).flatMap(([name, input]) => (input.required ? [`--input ${name}=…`] : []));
  const ref = source === 'path' ? file : job.name;
  const parts = [
    `${paint('bold', job.name)}  ${cell(job.description)}\n${paint('dim', file)}\n`,
    renderTable(labelRows(job), 2),
    Object.keys(job.inputs).length === 0 ? '  no inputs\n' : renderTable(inputRows(job, paint), 2),
    job.steps.length === 0 ? renderTable(programRows(job), 2) : renderTable(stepRows(job, paint), 2),
    outputs.length === 0
      ? ''
      : renderTable(
          [[paint('dim', 'OUTPUT'), ''], ...outputs.map(([name, value]) => [name, clip(cell(textOf(value)), 100)])],
          2,
        ),
    asCalled(terminal, `Start it: nika pod start ${[ref, ...(isGivenNothing ? [] : required)].join(' ')}\n`),
  ];
  return parts.filter((part) => part !== '').join('\n');
};

const textOf = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value));

export const jobJson = ({ name, file, source, job }: FoundJob): unknown => ({ name, file, source, job });

export interface CheckedJob {
  readonly name: string;
  /** `undefined`: none was found. */
  readonly file: string | undefined;
  readonly source: JobFile['source'] | undefined;
  /** The file that is used instead of this one. */
  readonly shadowedBy?: string | undefined;
  readonly problems: readonly Problem[];
}

export const renderCheck = (job: CheckedJob, { paint, cwd }: Terminal): string => {
  const { name, file, shadowedBy, problems } = job;
  const isHidden = shadowedBy !== undefined;
  const hidden = isHidden ? `  hidden by ${shortPath(shadowedBy, cwd)}, which runs instead` : '';
  const where = paint('dim', (file === undefined ? '' : shortPath(file, cwd)) + hidden);
  if (problems.length === 0) {
    return `${isHidden ? paint('yellow', 'hidden') : paint('green', 'ok    ')} ${cell(name)}  ${where}\n`;
  }
  const lines = problems.map(
    (problem) => `         ${formatProblem({ ...problem, file: shortPath(problem.file, cwd) })}\n`,
  );
  return `${`${paint('red', 'wrong')}  ${cell(name)}  ${where}`.trimEnd()}\n${lines.join('')}`;
};
