/** Owns the start of a pod from the command line, in the foreground or in the background. */
import { isatty } from 'node:tty';
import type { Home } from '../../config/home.ts';
import type { Job } from '../../config/job/job.ts';
import type { InputValues } from '../../config/job/job-inputs.ts';
import type { Settings } from '../../config/settings.ts';
import { type SessionId, sessionIdSchema } from '../../model/id.ts';
import { inlineForm } from '../../pod/launch/inline-form.ts';
import type { LaunchSpec } from '../../pod/launch/launch-spec.ts';
import type { Rejection } from '../../model/rejection.ts';
import { type GivenKey, OWN_POD } from '../../pod/launch/own-pod.ts';
import type { Terminal } from '../terminal.ts';
import { interruption } from '../ending.ts';
import { identityOf, type StartOptions, viewMode, worktreeOrder } from './start-options.ts';

export interface LaunchWish {
  readonly home: Home;
  readonly settings: Settings;
  readonly job: Job;
  /** Absolute; `undefined`: the job was made from the command line. */
  readonly jobFile: string | undefined;
  readonly inputs: InputValues;
  readonly options: StartOptions;
  /** The program of the job gets the terminal itself, and the exit code is its own. */
  readonly passTerminal: boolean;
  /** The entity is on the bus, and goes on with its next attempt. */
  readonly resumes?: boolean;
  /** It was rejected in review, and is done again. */
  readonly rejected?: Rejection;
  /** Chosen before: a lease was acquired for it. */
  readonly session?: SessionId;
  /** Of a job of the queue that is started again. */
  readonly given?: Pick<LaunchSpec, GivenKey>;
}

/** Until what was printed has been read, or will never be; `undefined`: there is room. */
const roomOf = (stream: NodeJS.WriteStream): Promise<void> | undefined => {
  if (!stream.writableNeedDrain || stream.destroyed) return undefined;
  const { promise, resolve } = Promise.withResolvers<void>();
  const settle = (): void => {
    stream.off('drain', settle);
    stream.off('close', settle);
    resolve();
  };
  stream.once('drain', settle);
  stream.once('close', settle);
  return promise;
};

const specOf = (wish: LaunchWish, session: SessionId, terminal: Terminal): LaunchSpec => {
  const { id, parent } = identityOf(wish.options);
  const { jobFile, job, inputs, options, resumes = false, rejected } = wish;
  const { lease, standing, root, attempts } = wish.given ?? OWN_POD;
  return {
    v: 1,
    session,
    job: jobFile === undefined ? { kind: 'inline', job: inlineForm(job) } : { kind: 'file', file: jobFile },
    worktree: worktreeOrder(options) ?? null,
    inputs,
    parent: parent ?? null,
    entity: id,
    resumes,
    called_in: terminal.cwd,
    tmux: options.tmux === true ? `nika-${session.slice(0, 12)}` : null,
    may_wait: options.wait,
    ...(rejected === undefined ? {} : { rejected }),
    lease,
    standing,
    root,
    attempts,
  };
};

/** Ctrl-C ends the waiting; what was started goes on. `undefined`: nobody waited to the end. */
const untilStarted = async <T>(
  starting: Promise<T>,
  { entity }: LaunchSpec,
  terminal: Terminal,
): Promise<T | undefined> => {
  try {
    return await starting;
  } catch (thrown) {
    if (!(thrown instanceof Error && thrown.name === 'AbortError')) throw thrown;
    terminal.warn(`interrupted: ${entity} may have started all the same, see nika pod show ${entity}`);
    return undefined;
  }
};

const startInBackground = async (wish: LaunchWish, spec: LaunchSpec, terminal: Terminal): Promise<void> => {
  const [{ startDetached }, { planPod }] = await Promise.all([
    import('../../pod/launch/detach.ts'),
    import('../../pod/plan.ts'),
  ]);
  const { home, settings, job, jobFile, inputs, resumes = false } = wish;
  const { parent, entity } = spec;
  const planned = {
    home,
    settings,
    job,
    jobFile,
    inputs,
    parent: parent ?? undefined,
    id: entity,
    resumes,
    root: spec.root ?? undefined,
  };
  const plan = await planPod({ ...planned, calledIn: terminal.cwd, env: terminal.env }); // a mistake is told here, at once
  const mayTakeMs = plan.worktree === undefined ? 0 : settings.worktrees.timeoutMs;
  const answer = await untilStarted(
    startDetached({ home, spec, env: terminal.env, mayTakeMs, signal: interruption() }),
    spec,
    terminal,
  );
  if (answer === undefined) return;
  if (answer.kind === 'queued') terminal.warn(`queued: ${answer.why}`);
  const { session } = spec;
  terminal.print(wish.options.json === true ? `${JSON.stringify({ id: entity, session })}\n` : `${entity}\n`);
};

/** What a pod in the foreground needs, and one in the background does not load. */
const loadSupervisor = async () => {
  const [ending, supervise, programs, view, signals, spec, resolved] = await Promise.all([
    import('../../pod/ending.ts'),
    import('../../pod/supervise.ts'),
    import('../../pod/tools/tool-program.ts'),
    import('./pod-view.ts'),
    import('./signals.ts'),
    import('../../pod/launch/launch-spec.ts'),
    import('../../pod/launch/resolve-launch.ts'),
  ]);
  return { ...ending, ...supervise, ...programs, ...view, ...signals, ...spec, ...resolved };
};

const runInForeground = async (wish: LaunchWish, spec: LaunchSpec, terminal: Terminal): Promise<void> => {
  const { Stop, superviseJob, killLivingPrograms, createPodView, onSignals, writeSpec, givenOf } =
    await loadSupervisor();
  const { bestEffortSync } = await import('../../failopen/best-effort.ts');
  const { home, settings, job, jobFile, inputs, options, passTerminal, resumes = false } = wish;
  const view = createPodView(terminal, passTerminal ? 'program' : viewMode(options, terminal));
  using stop = new Stop();
  let kill = killLivingPrograms;
  using _signals = onSignals({
    leavesCtrlC: passTerminal && [0, 1, 2].some((fd) => isatty(fd)), // else it has a session of its own
    stop: (signal) => {
      stop.now({ kind: 'interrupted', signal });
      view.say('stopping: what runs is told to end; press Ctrl-C again to kill it');
    },
    kill: () => kill(),
  });
  process.once('exit', () => kill()); // whatever ends nika, no tool is left
  const { ended, isHeldUp } = await superviseJob({
    home,
    settings,
    job,
    jobFile,
    inputs,
    parent: spec.parent ?? undefined,
    id: spec.entity,
    calledIn: terminal.cwd,
    env: terminal.env,
    stop,
    listener: (event, atMs) => {
      if (event.event === 'pod_started') bestEffortSync('pod.spec', () => writeSpec(home.runDir, spec));
      view.listener(event, atMs);
    },
    detached: false,
    mayWait: options.wait,
    sessionId: spec.session,
    passTerminal,
    openAgentRunner: async (...given) => (await import('../../agents/agent-runner.ts')).openAgentRunner(...given),
    viewerRoom: () => roomOf(terminal.stdout),
    resumes,
    ...(spec.rejected === undefined ? {} : { rejected: spec.rejected }),
    ...givenOf(spec),
    onControl: (control) => {
      kill = () => {
        control.killNow();
        killLivingPrograms();
      };
      view.onControl?.(control);
    },
  });
  view.close();
  process.exitCode = ended.exit_code;
  if (isHeldUp) (await import('../../pod/end-now.ts')).endNow(ended.exit_code);
};

/** @throws {NikaError} what is wrong, before anything was written */
export const launch = async (given: LaunchWish, terminal: Terminal): Promise<void> => {
  const { orderedJob } = await import('../../pod/launch/resolve-launch.ts');
  const wish = { ...given, job: orderedJob(given.job, worktreeOrder(given.options)) };
  const { session = sessionIdSchema.parse(crypto.randomUUID()) } = wish;
  const spec = specOf(wish, session, terminal);
  if (wish.options.detach === true) await startInBackground(wish, spec, terminal);
  else await runInForeground(wish, spec, terminal);
};
