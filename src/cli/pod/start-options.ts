/** Owns the flags that `pod start` and `run` share, and what is made of them. */
import { type Command, InvalidArgumentError } from 'commander';
import type { WorktreeOrder } from '../../config/job/worktree-field.ts';
import { NikaError } from '../../model/error.ts';
import { createEntityId, type EntityId, entityTypeOf, parseEntityId } from '../../model/id.ts';
import type { Terminal } from '../terminal.ts';
import type { ViewMode } from './pod-view.ts';

export interface StartOptions {
  readonly parent?: string;
  readonly id?: string;
  readonly home?: string;
  readonly detach?: true;
  readonly tmux?: true;
  /** False: `--no-wait`. */
  readonly wait: boolean;
  readonly json?: true;
  readonly quiet?: true;
  /** False: `--no-worktree`. */
  readonly worktree?: boolean;
  readonly branch?: string | undefined;
  readonly base?: string | undefined;
}

export const collectInput = (value: string, previous: readonly string[] = []): readonly string[] => {
  if (!/^[^=]+=/.test(value)) throw new InvalidArgumentError('It is given as name=value.');
  return [...previous, value];
};

/** @throws {NikaError} `NIKA_MODEL_BAD_ID`, also for an entity that is no job */
export const parseJobId = (text: string): EntityId => {
  const id = parseEntityId(text);
  if (entityTypeOf(id) === 'JOB') return id;
  throw new NikaError('NIKA_MODEL_BAD_ID', `"${text}" is not the id of a job: it begins with JOB-`, { subject: text });
};

export interface Identity {
  readonly id: EntityId;
  readonly parent: EntityId | undefined;
}

/** @throws {NikaError} `NIKA_MODEL_BAD_ID`, `NIKA_CLI_USAGE` */
export const identityOf = ({ id, parent, tmux, detach, json, quiet }: StartOptions): Identity => {
  if (tmux === true && detach !== true) throw new NikaError('NIKA_CLI_USAGE', '--tmux goes with -d');
  if (json === true && quiet === true) throw new NikaError('NIKA_CLI_USAGE', '--json and --quiet exclude each other');
  return {
    id: id === undefined ? createEntityId('JOB') : parseJobId(id),
    parent: parent === undefined ? undefined : parseEntityId(parent),
  };
};

/** `undefined`: as the job has it. @throws {NikaError} `NIKA_CLI_USAGE` */
export const worktreeOrder = ({ worktree, branch, base }: StartOptions): WorktreeOrder | undefined => {
  if (branch === undefined && base === undefined) return worktree;
  if (worktree !== false) return { branch, base };
  throw new NikaError('NIKA_CLI_USAGE', '--no-worktree excludes --branch and --base');
};

export const viewMode = ({ json, quiet }: StartOptions, { isInteractive }: Terminal): ViewMode => {
  if (json === true) return 'json';
  if (quiet === true) return 'quiet';
  return isInteractive ? 'live' : 'plain';
};

export const addStartFlags = (command: Command): Command =>
  command
    .option('-d, --detach', 'in the background: prints the id and goes on without the terminal')
    .option('--tmux', 'with -d: in a terminal of its own, for "nika pod attach"')
    .option('--no-wait', 'fail where as many pods run as limits.pods allows, instead of waiting for a place')
    .option('--parent <id>', 'the PROJ, JOB or TASK that the job belongs to')
    .option('--id <id>', 'an id of your own for the job, such as JOB-nightly')
    .option('--home <dir>', 'the home: config/, _bus/, logs/, run/')
    .option('--worktree', 'in a git worktree and on a branch of its own, whatever the job says')
    .option('--no-worktree', 'where the command is given, whatever the job says')
    .option('--branch <name>', 'a worktree on a new branch of that name; default: nika/<job>-<short id>')
    .option('--base <revision>', 'a worktree that begins from there; default: HEAD')
    .option('--json', 'one JSON object per event')
    .option('-q, --quiet', 'only the result');
