/**
 * Owns one session of an agent that nika did not start, as a pod of its own: it lives as long as the agent does, and
 * nothing of it steers the agent: no policy, no limits, no message (its hooks answer nothing).
 */
import { basename } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { jobSchema } from '../../config/job/job.ts';
import type { Home } from '../../config/home.ts';
import { hooksSchema, policySchema } from '../../config/hooks/hooks.ts';
import type { Settings } from '../../config/settings.ts';
import { AGENT_PROGRAMS, isAgentKind } from '../../model/agent.ts';
import { labelSchema } from '../../model/envelope.ts';
import { Stop } from '../../pod/ending.ts';
import { AgentDesk } from '../../pod/host/agent-desk.ts';
import type { RunnerContext, RunnerOutcome } from '../../pod/runner/runner.ts';
import { superviseJob } from '../../pod/supervise.ts';
import type { AgentExit, AgentReader, AgentWish } from '../adapter.ts';
import { ClaudeReader } from '../claude/claude-reader.ts';
import { loadAdapter } from '../find-adapter.ts';
import type { Fields } from '../read-fields.ts';
import { type AgentProcess, isGone } from './agent-process-of.ts';

export interface CollectedOptions {
  readonly home: Home;
  readonly settings: Settings;
  /** One that nika knows, or as it calls itself. */
  readonly agent: string;
  /** Absolute. */
  readonly cwd: string;
  /** `undefined`: nobody knows which it is; then silence ends the session. */
  readonly process: AgentProcess | undefined;
}

const LOOK_EVERY_MS = 2_000;
/** Hooks that come just behind the last one. */
const LATE_MS = 1_000;
/** Without a process to look at. */
const SILENT_MS = 60 * 60_000;

/** Any text as a label; `undefined`: nothing of it can be one. */
const labelOf = (text: string): string | undefined => {
  const label = text
    .replaceAll(/[^\p{L}\p{N} ._:/-]/gu, '-')
    .replace(/^[^\p{L}\p{N}]+/u, '')
    .slice(0, 64);
  return labelSchema.safeParse(label).success ? label : undefined;
};

const nameOf = (agent: string): string => {
  const name = isAgentKind(agent) ? AGENT_PROGRAMS[agent] : agent;
  return (
    name
      .replaceAll(/[^A-Za-z0-9._-]/g, '-')
      .replace(/^[^A-Za-z0-9]+/, '')
      .slice(0, 64) || 'agent'
  );
};

const NO_EXIT: AgentExit = { code: 0, signal: null, stderr: '' };

/** What they tell is read in their own form, by their adapters; all others are read in that of Claude Code. */
export const speaksOwnForm = (agent: string): agent is 'codex' | 'gemini' => agent === 'codex' || agent === 'gemini';

const openReader = async (agent: string, desk: AgentDesk, wish: AgentWish): Promise<AgentReader> =>
  speaksOwnForm(agent) ? (await loadAdapter(agent)).open(desk, wish) : new ClaudeReader(desk, wish, agent);

/** What would steer the agent is left out: its hooks answer nothing. */
const unsteered = (settings: Settings): Settings => ({
  ...settings,
  hooks: hooksSchema.parse({}),
  policy: policySchema.parse({}),
  limits: { pods: settings.limits.pods, perDay: {} },
  projects: {},
});

export class CollectedSession {
  readonly #options: CollectedOptions;
  readonly #stop = new Stop();
  readonly #reader = Promise.withResolvers<AgentReader>();
  readonly #over = Promise.withResolvers<void>();
  #lastAtMs = performance.now();
  #order: Promise<unknown> = Promise.resolve();
  #isOver = false;
  readonly ended: Promise<void>;

  private constructor(options: CollectedOptions) {
    this.#options = options;
    this.#reader.promise.catch(() => undefined); // told by `ended`
    this.ended = this.#supervise();
  }

  static start(options: CollectedOptions): CollectedSession {
    return new CollectedSession(options);
  }

  /** It takes nothing more: what comes is of another one. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** Resolves when what it tells is on the bus. One after the other, in the order in which they came. */
  take(event: string, payload: Fields): Promise<unknown> {
    this.#lastAtMs = performance.now();
    const taken = this.#order.then(async () => (await this.#reader.promise).hook(event, payload));
    this.#order = taken.catch(() => undefined); // the pod could not begin: `ended` says so
    if (event === 'SessionEnd') this.#over.resolve();
    return this.#order;
  }

  /** The collector is told to end. */
  end(): void {
    this.#over.resolve();
  }

  async #supervise(): Promise<void> {
    const { home, settings, agent, cwd } = this.#options;
    const folder = labelOf(basename(cwd));
    const job = jobSchema.parse({
      name: nameOf(agent),
      description: `A session of ${agent} that nika did not start.`,
      domain: folder ?? 'agents',
      intent: 'session',
      tags: ['collected'],
    });
    try {
      await superviseJob({
        home,
        settings: unsteered(settings),
        job: isAgentKind(agent) ? { ...job, agent } : job,
        jobFile: undefined,
        inputs: {},
        parent: undefined,
        id: undefined,
        calledIn: cwd,
        env: process.env,
        stop: this.#stop,
        listener: () => undefined,
        detached: true,
        mayWait: true,
        takesRoom: false,
        runner: (context) => this.#run(context),
      });
    } finally {
      this.#isOver = true;
      this.#reader.reject(new Error('the pod of the session is over'));
      this.#stop[Symbol.dispose]();
    }
  }

  async #run(context: RunnerContext): Promise<RunnerOutcome> {
    const { session, host, entity, control } = context;
    const { agent } = this.#options;
    const onAgentSession = (id: string): void => context.onAgentSession(agent, id);
    const desk = new AgentDesk({ session, host, job: entity, control, onAgentSession, via: 'hooks' });
    const wish: AgentWish = { ...NO_WISH, cwd: context.cwd, env: context.env };
    const reader = await openReader(agent, desk, wish);
    this.#reader.resolve(reader);
    await this.#untilOver();
    this.#isOver = true;
    await this.#order;
    const { message } = await reader.end(NO_EXIT);
    await desk.close();
    return { kind: 'completed', result: message };
  }

  /** Its last hook came, its process is gone, or nobody heard of it for long. */
  async #untilOver(): Promise<void> {
    const over = this.#over.promise.then(() => true);
    while (!(await Promise.race([over, delay(LOOK_EVERY_MS, false)]))) {
      const { process: agent } = this.#options;
      const isOver = agent === undefined ? performance.now() - this.#lastAtMs > SILENT_MS : isGone(agent);
      if (isOver) break;
    }
    await delay(LATE_MS);
  }
}

const NO_WISH: AgentWish = {
  prompt: undefined,
  model: undefined,
  permission: 'ask',
  args: [],
  maxTurns: undefined,
  resume: undefined,
  cwd: '/',
  env: {},
};
