/**
 * Owns the start of a pod in the background: a supervisor in a session of its own, which the terminal's end does not reach.
 *
 * D1. It is told of only once the pod is on the bus, waits for its turn, or was refused: nobody learns an id that is not.
 */
import { leaveParentTree } from '../tree/cgroup.ts';
import { TMUX_SOCKET } from './tmux-socket.ts';
import { detachedEnv } from '../tree/tree-path.ts';
import { spawn, spawnSync } from 'node:child_process';
import { closeSync, openSync, readFileSync, rmSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Home } from '../../config/home.ts';
import { ERROR_CODES, type ErrorCode } from '../../model/error-codes.ts';
import { errnoOf, errorMessage, NikaError } from '../../model/error.ts';
import {
  answerPath,
  errorsPath,
  type LaunchAnswer,
  launchAnswerSchema,
  type LaunchSpec,
  removeSpec,
  removeStart,
  writeEnv,
  writeSpec,
} from './launch-spec.ts';

export interface DetachOptions {
  readonly home: Home;
  readonly spec: LaunchSpec;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** What it may need before it begins, besides the time that any pod has: to make a worktree. */
  readonly mayTakeMs?: number;
  readonly signal: AbortSignal;
}

const workerFile = fileURLToPath(
  new URL(import.meta.url.endsWith('.ts') ? './supervise-worker.ts' : './supervise-worker.js', import.meta.url),
);

/** Small heaps: an idle supervisor is to cost little. Old space grows when it is needed. */
const NODE_FLAGS = ['--max-semi-space-size=1'];
const LOOK_EVERY_MS = 10;
const START_BUDGET_MS = 30_000;

const tmuxMissing = (thrown: unknown): NikaError =>
  new NikaError('NIKA_POD_NOT_STARTED', 'tmux is not there', {
    subject: 'tmux',
    remedy: 'Install tmux, on Debian with "sudo apt-get install tmux", or leave --tmux away.',
    cause: thrown,
  });

const isCode = (code: string): code is ErrorCode => Object.hasOwn(ERROR_CODES, code);

const readAnswer = (path: string): LaunchAnswer | undefined => {
  try {
    const parsed = launchAnswerSchema.safeParse(JSON.parse(readFileSync(path, 'utf8')));
    return parsed.success ? parsed.data : undefined;
  } catch {
    return undefined; // not yet
  }
};

interface Started {
  /** The supervisor ended; what it printed last. */
  readonly died: () => string | undefined;
}

const errorsOf = (path: string): string => {
  try {
    return readFileSync(path, 'utf8').trim().split('\n').slice(-5).join('\n');
  } catch {
    return '';
  }
};

const startPlain = ({ home, spec, env }: DetachOptions): Started => {
  const errors = errorsPath(home.runDir, spec.session);
  const fd = openSync(errors, 'a', 0o600);
  const child = spawn(process.execPath, [...NODE_FLAGS, workerFile, home.dir, spec.entity, spec.session], {
    cwd: '/',
    env: { ...env, ...detachedEnv(spec.session) },
    detached: true,
    stdio: ['ignore', 'ignore', fd],
  });
  closeSync(fd);
  let ended: string | undefined;
  child.once('error', (thrown) => {
    ended = errorMessage(thrown);
  });
  child.once('exit', (code, signal) => {
    ended = `it ended with ${signal ?? code}\n${errorsOf(errors)}`;
  });
  child.unref();
  return { died: () => ended };
};

const definedOnly = (env: Readonly<Record<string, string | undefined>>): Record<string, string> =>
  Object.fromEntries(Object.entries(env).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])));

const startInTmux = ({ home, spec, env }: DetachOptions, name: string): Started => {
  const supervisor = [process.execPath, ...NODE_FLAGS, workerFile, home.dir, spec.entity, spec.session];
  const { TMUX: _tmux, TMUX_PANE: _pane, ...passed } = { ...env, ...detachedEnv(spec.session) };
  writeEnv(home.runDir, spec.session, definedOnly(passed));
  leaveParentTree(); // a server that is started from within a pod is not to end with that
  const args = ['-L', TMUX_SOCKET, 'new-session', '-d', '-s', name, '-x', '200', '-y', '50', '-c', spec.called_in];
  const { NIKA_TREE: _tree, NIKA_SESSION_ID: _session, ...outside } = env;
  const options = { encoding: 'utf8', env: definedOnly(outside) } as const;
  const { status, stderr, error } = spawnSync('tmux', [...args, '--', ...supervisor], options);
  if (error !== undefined) throw tmuxMissing(error);
  if (status !== 0) throw new NikaError('NIKA_POD_NOT_STARTED', `tmux: ${stderr.trim()}`, { subject: 'tmux' });
  return { died: () => undefined };
};

const start = (options: DetachOptions): Started =>
  options.spec.tmux === null ? startPlain(options) : startInTmux(options, options.spec.tmux);

/**
 * Starts the pod and waits until it says how it stands (D1).
 * @throws {NikaError} why it was refused, or that it could not be started
 */
export const startDetached = async (options: DetachOptions): Promise<Exclude<LaunchAnswer, { kind: 'refused' }>> => {
  const { home, spec, mayTakeMs = 0, signal } = options;
  const budgetMs = START_BUDGET_MS + mayTakeMs;
  try {
    writeSpec(home.runDir, spec);
  } catch (thrown) {
    const why = errnoOf(thrown) ?? errorMessage(thrown);
    throw new NikaError('NIKA_POD_NOT_STARTED', `${home.runDir} cannot be written: ${why}`, { cause: thrown });
  }
  const started = start(options);
  const path = answerPath(home.runDir, spec.session);
  const untilMs = performance.now() + budgetMs;
  for (;;) {
    const died = started.died(); // looked at first: what it answered before it died counts
    const answer = readAnswer(path);
    if (answer !== undefined) {
      rmSync(path, { force: true });
      if (answer.kind !== 'refused') return answer;
      removeStart(home.runDir, spec.session);
      if (!spec.resumes) removeSpec(home.runDir, spec.entity);
      const { code, message, remedy, subject } = answer;
      const details = { ...(subject === null ? {} : { subject }), ...(remedy === '' ? {} : { remedy }) };
      throw new NikaError(isCode(code) ? code : 'NIKA_POD_NOT_STARTED', message, details);
    }
    if (died !== undefined) throw new NikaError('NIKA_POD_NOT_STARTED', `the supervisor could not start: ${died}`);
    if (performance.now() > untilMs) {
      throw new NikaError('NIKA_POD_NOT_STARTED', `the supervisor said nothing for ${budgetMs / 1000} s`);
    }
    await delay(LOOK_EVERY_MS, undefined, { signal });
  }
};
