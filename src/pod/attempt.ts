/**
 * Owns one attempt of a job, which is one session: from its registration to the last line on the bus.
 *
 * P2. Every way to end that leaves the process alive writes the ends of all entities and `session_end_summary`.
 * P3. When it is over, nothing of what it started runs.
 */
import { tmpdir } from 'node:os';
import { bestEffort } from '../failopen/best-effort.ts';
import { readVersion } from '../config/package-root.ts';
import { ensureHome } from '../config/home.ts';
import type { HookPipeline } from '../hooks/hook-pipeline.ts';
import { errorMessage } from '../model/error.ts';
import { claimChannel } from './claim-entity.ts';
import { endOf, finish, withReview } from './end-pod.ts';
import { Stop } from './ending.ts';
import type { PodEntity } from './entity.ts';
import { PauseGate } from './host/pause-gate.ts';
import type { AttemptOptions, AttemptRun } from './attempt-options.ts';
import { createProject } from './create-project.ts';
import { createPodDoor } from './host/pod-door.ts';
import { openPodHooks } from './host/open-pod-hooks.ts';
import { PodHost } from './host/pod-host.ts';
import { PodMemory } from './memory/pod-memory.ts';
import { PodControl } from './pod-control.ts';
import type { PodOutcome } from './pod-event.ts';
import { Presence } from './presence.ts';
import { confirmEnd } from './lease/confirm-end.ts';
import { startOffer } from './offer.ts';
import { OutputLog } from './runner/output-log.ts';
import type { RunnerContext, RunnerOutcome } from './runner/runner.ts';
import { Session } from './session.ts';
import { openSignals } from './signals/open-signals.ts';
import type { SignalStation } from './signals/signal-station.ts';
import { SocketFaults } from './socket/faults.ts';
import { openPodSocket } from './socket/pod-socket.ts';
import { resolveSocketPath } from './socket/socket-path.ts';
import { toTraceparent } from './trace.ts';
import { endAttemptTree } from './end-attempt-tree.ts';
import { openTree } from './tree/open-tree.ts';
import type { PodTree } from './tree/pod-tree.ts';

/** Whatever is left of attempts: not by this supervisor. */
const NEVER_AGAIN: readonly PodOutcome[] = ['interrupted', 'cancelled', 'superseded'];

const OUTPUT_BUDGET_MS = 500;
const SOCKET_BUDGET_MS = 500;

/** @throws {NikaError} `NIKA_ENTITY_EXISTS` before anything was written. */
export const runAttempt = async (options: AttemptOptions): Promise<AttemptRun> => {
  const { wish, plan, sessionId, attempt, listener } = options;
  const { home, settings } = wish;
  const gaps = ensureHome(home);
  const { trace, encoder } = plan;
  await using session = new Session({ home, settings, session: sessionId, trace, attempt, encoder, listener });
  if (options.standing === undefined) claimChannel(session.bus, plan.id);
  else session.redis?.sink.resume(plan.id);
  for (const { path, why } of gaps) session.log.write('warn', 'a folder of the home could not be made', { path, why });
  await using hooks = await openPodHooks(wish, plan, session);
  const attempting = new Attempt(options, session, hooks);
  return await attempting.run(); // awaited here: what is disposed below is in use until then
};

const prefixed = (prefix: string, counts: Readonly<Record<string, number>>): Record<string, number> =>
  Object.fromEntries(Object.entries(counts).map(([name, count]) => [prefix + name, count]));

class Attempt {
  readonly #options: AttemptOptions;
  readonly #session: Session;
  readonly #hooks: HookPipeline;
  readonly #entity: PodEntity;
  readonly #stop = new Stop();
  readonly #gate = new PauseGate();
  readonly #tree: PodTree;
  readonly #output: OutputLog;
  readonly #control: PodControl;
  readonly #host: PodHost;
  readonly #presence: Presence;
  readonly #faults: SocketFaults;
  readonly #signals: SignalStation;

  constructor(options: AttemptOptions, session: Session, hooks: HookPipeline) {
    this.#options = options;
    this.#session = session;
    this.#hooks = hooks;
    const { plan, wish, standing, runnerKind } = options;
    const { home, settings } = wish;
    this.#tree = openTree({ session: session.id, allowCgroup: settings.pods.cgroup, env: wish.env });
    const parent = standing === undefined ? createProject(session, plan) : plan.parent;
    this.#entity = session.entity(plan.id, parent, plan.lineage, standing);
    this.#signals = openSignals(session, this.#entity, wish);
    this.#output = new OutputLog({
      logsDir: home.logsDir,
      session: session.id,
      maxBytes: settings.logs.maxBytesPerPod,
      clean: (text) => session.clean(text),
    });
    this.#control = new PodControl({
      stop: this.#stop,
      outerStop: options.outerStop,
      gate: this.#gate,
      tree: this.#tree,
      stopsPrograms: runnerKind === 'command' || runnerKind === 'agent',
      onChange: () => this.#presence.touch(),
    });
    this.#host = new PodHost({
      session,
      job: this.#entity,
      lineage: plan.lineage,
      stop: this.#stop,
      gate: this.#gate,
      control: () => this.#control,
      hooks,
      cwd: plan.mission.cwd,
      maxToolCalls: plan.mission.maxToolCalls,
      budget: options.budget,
    });
    this.#faults = new SocketFaults((fault, why) => session.log.write('warn', 'socket', { fault, why }));
    session.countDrops(() => prefixed('hook ', hooks.failures()));
    session.countDrops(() => ({ output_pieces_dropped: this.#output.dropped }));
    session.countDrops(() => prefixed('socket_', this.#faults.counts()));
    this.#presence = new Presence({
      ...options,
      session,
      entity: this.#entity,
      control: this.#control,
      tree: this.#tree,
      output: this.#output,
    });
  }

  async run(): Promise<AttemptRun> {
    const { outerStop, beforeBegin, onControl, wish, worktree } = this.#options;
    using _inner = this.#stop.within(outerStop);
    using _stop = this.#stop;
    onControl?.(this.#control);
    await using memory = new PodMemory({ home: wish.home, session: this.#session, entity: this.#entity });
    const door = createPodDoor({
      host: this.#host,
      control: this.#control,
      facts: () => this.#presence.facts(),
      signals: this.#signals,
      memory: memory.handlers,
    });
    await using _socket = await this.#openSocket(door);
    await beforeBegin(this.#control, this.#stop.signal);
    await this.#options.lease?.ask(this.#stop.signal);
    this.#begin();
    const outcome = await this.#work(door);
    this.#host.close();
    await this.#options.budget?.end();
    await endAttemptTree(this.#tree, this.#control.graceMs, this.#session, this.#entity);
    const { lease, attempts, attempt, review: asks } = this.#options;
    const came = endOf(this.#withResult(outcome), this.#stop, attempts - attempt);
    const review = came.outcome === 'completed' ? asks?.call() : undefined;
    const end = await confirmEnd(lease, withReview(came, review), this.#control);
    await this.#signals.close(end.attemptsLeft === 0 && end.outcome !== 'awaiting_review');
    await bestEffort('pod.output', { withinMs: OUTPUT_BUDGET_MS }, () => this.#output.flush());
    this.#output.close();
    const { pausedMs } = this.#stop;
    const run = { home: wish.home, session: this.#session, entity: this.#entity, worktree, pausedMs, review };
    this.#presence.conclude(end);
    const ended = await finish(run, end);
    const isHeldUp = await this.#presence.end(end, ended.duration_ms);
    this.#session.tell(ended);
    const { state = 'in_progress', rev } = this.#entity;
    const goesOn = end.attemptsLeft > 0 && !NEVER_AGAIN.includes(end.outcome);
    return { ended, standing: { state, rev }, goesOn, isHeldUp: isHeldUp || this.#session.isHeldUp };
  }

  /** A bug of the runner is a failure of the job, with its ends on the bus (P2). */
  async #work(door: ReturnType<typeof createPodDoor>): Promise<RunnerOutcome> {
    const { plan, wish, run, passTerminal, viewerRoom = () => undefined } = this.#options;
    const { timeoutMs } = plan.mission;
    if (timeoutMs !== undefined) this.#stop.after(timeoutMs, { kind: 'timed_out', afterMs: timeoutMs });
    const env = this.#childEnv();
    const context: RunnerContext = {
      job: wish.job,
      scope: { ...plan.scope, env },
      env,
      cwd: plan.mission.cwd,
      home: wish.home,
      settings: wish.settings,
      session: this.#session,
      entity: this.#entity,
      hooks: this.#hooks,
      host: this.#host,
      onAgentSession: (kind, session) => this.#presence.setAgentSession(kind, session),
      stop: this.#stop,
      tree: this.#tree,
      door,
      faults: this.#faults,
      control: this.#control,
      signals: this.#signals,
      output: this.#output,
      passTerminal,
      viewerRoom,
      graceMs: () => this.#control.graceMs,
    };
    if (this.#stop.signal.aborted) return { kind: 'cancelled' };
    await using _offer = startOffer(this.#session, this.#entity.id, wish.job.capabilities ?? []);
    try {
      return await run(context);
    } catch (thrown) {
      return { kind: 'failed', error: `a bug of nika: ${errorMessage(thrown)}` };
    }
  }

  /** What the program itself said its result is stands before what nika makes of its output. */
  #withResult(outcome: RunnerOutcome): RunnerOutcome {
    const said = this.#control.result;
    return said === undefined || outcome.kind === 'cancelled' ? outcome : { ...outcome, result: said.value };
  }

  #begin(): void {
    const { wish, plan, attempt, standing } = this.#options;
    const { name, description } = wish.job;
    const { cwd } = plan.mission;
    if (standing === undefined) this.#entity.transition('created', 'entity_created', { name, description });
    this.#entity.record('session_start', {
      kind: 'pod',
      version: readVersion(),
      cwd,
      inputs: wish.inputs,
      ...this.#session.weave(this.#entity),
    });
    const isSuperseded = this.#stop.reason?.kind === 'superseded'; // whoever has the job says that it began
    if (this.#entity.state === 'created' && !isSuperseded) this.#entity.transition('in_progress', 'entity_started', {});
    this.#control.begin();
    this.#options.budget?.begin({ session: this.#session, entity: this.#entity, stop: this.#stop });
    this.#session.redis?.sink.start();
    const started = { id: plan.id, session: this.#session.id, job: name, home: wish.home.dir, cwd, attempt };
    this.#session.tell({ event: 'pod_started', ...started });
    this.#options.worktree?.tellStart({ session: this.#session, entity: this.#entity });
  }

  async #openSocket(door: ReturnType<typeof createPodDoor>): Promise<AsyncDisposable> {
    const place = { env: this.#options.wish.env, uid: process.getuid?.() ?? 0, tmpDir: tmpdir() };
    const opened = await bestEffort('pod.socket', { withinMs: SOCKET_BUDGET_MS }, () =>
      openPodSocket({
        path: resolveSocketPath(this.#session.id, place),
        door,
        faults: this.#faults,
        isHeld: () => this.#gate.isShut,
        keepsAlive: this.#options.runnerKind !== 'library',
      }),
    );
    if (opened.kind !== 'done') return { [Symbol.asyncDispose]: () => Promise.resolve() };
    this.#presence.setSocket(opened.value.path);
    this.#socketPath = opened.value.path;
    return opened.value;
  }

  #socketPath: string | undefined;

  #childEnv(): Readonly<Record<string, string>> {
    const { plan, wish } = this.#options;
    return {
      ...plan.env,
      NIKA_HOME: wish.home.dir,
      NIKA_SESSION_ID: this.#session.id,
      NIKA_ENTITY_ID: plan.id,
      ...(this.#socketPath === undefined ? {} : { NIKA_SOCKET: this.#socketPath }),
      TRACEPARENT: toTraceparent(plan.trace),
    };
  }
}
