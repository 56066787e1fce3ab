/** Owns what others see of a pod while it lives: its record, kept true by the heartbeat, and the facts it tells when asked. */
import type { End } from './end-pod.ts';
import { statusOfEnd } from './end-pod.ts';
import type { PodEntity } from './entity.ts';
import type { PodControl } from './pod-control.ts';
import type { PodEvent } from './pod-event.ts';
import type { PodPlan, PodWish } from './plan.ts';
import { type BeatFacts, Heartbeat } from './registry/heartbeat.ts';
import type { PodRecord } from './registry/pod-record.ts';
import { thisPodProcess } from './registry/pod-status.ts';
import type { OutputLog } from './runner/output-log.ts';
import type { Session } from './session.ts';
import type { PodFacts } from './socket/protocol.ts';
import type { SessionFacts } from '../telemetry/session-facts.ts';
import type { PodTree } from './tree/pod-tree.ts';
import type { PodWorktree } from './worktree/pod-worktree.ts';

export interface PresenceOptions {
  readonly wish: PodWish;
  readonly plan: PodPlan;
  readonly attempt: number;
  readonly attempts: number;
  readonly runnerKind: PodRecord['runner'];
  readonly detached: boolean;
  readonly tmux: string | undefined;
  readonly session: Session;
  readonly entity: PodEntity;
  readonly control: PodControl;
  readonly tree: PodTree;
  readonly output: OutputLog | undefined;
  readonly worktree: PodWorktree | undefined;
}

const RESULT_MAX_CHARS = 2_048;

/** A word that was cut may be the beginning of a secret, which nobody recognises by it. */
const withoutCutWord = (text: string): string => text.replace(/\S*…$/, '…');

export class Presence {
  readonly #options: PresenceOptions;
  readonly #heartbeat: Heartbeat;
  #lastTool: PodRecord['beat']['last_tool'] = null;
  #end: { readonly status: string; readonly at: string; readonly exitCode: number } | undefined;

  /** Registers the pod. */
  constructor(options: PresenceOptions) {
    this.#options = options;
    this.#heartbeat = Heartbeat.start(options.wish.home.runDir, this.#record(), () => this.#look());
    options.session.watch((event) => this.#see(event));
    options.session.redis?.setFacts(() => this.#sessionFacts());
  }

  touch(): void {
    this.#heartbeat.touch();
  }

  setSocket(socket: string): void {
    this.#heartbeat.amend({ socket });
  }

  /** The agent's own id of its session. */
  setAgentSession(kind: string, agentSession: string): void {
    this.#heartbeat.amend({ agent: { kind, session: agentSession } });
  }

  facts(): PodFacts {
    const { session, entity, job, attempt, started_at } = this.#heartbeat.record;
    const { calls, errors, tokens, cost_usd, status } = this.#look();
    const { wish, tree } = this.#options;
    const pod = {
      session,
      entity,
      job,
      attempt,
      started_at,
      status,
      calls,
      errors,
      tokens,
      cost_usd,
      pid: process.pid,
    };
    return { ...pod, home: wish.home.dir, tree: tree.kind.kind };
  }

  /** How it ends is known; its last lines are still to be written. */
  conclude(end: End): void {
    this.#end = { status: statusOfEnd(end), at: new Date().toISOString(), exitCode: end.exitCode };
  }

  /** Whether a disk hangs. */
  async end(end: End, durationMs: number): Promise<boolean> {
    this.#heartbeat.amend({ worktree: this.#options.worktree?.record ?? null });
    const written = await this.#heartbeat.end({
      status: statusOfEnd(end),
      outcome: end.outcome,
      exit_code: end.exitCode,
      at: new Date().toISOString(),
      duration_ms: durationMs,
      result: this.#shortResult(end.result),
      error: end.error === undefined ? null : this.#options.session.clean(end.error),
    });
    return written === 'held up';
  }

  #record(): Omit<PodRecord, 'beat' | 'end'> {
    const { wish, plan, session, entity, attempt, attempts, runnerKind, detached, tmux, tree } = this.#options;
    const { lineage, mission } = plan;
    return {
      v: 1,
      session: session.id,
      entity: plan.id,
      root: lineage.root_id,
      parent: entity.meta.parent_id ?? null,
      job: wish.job.name,
      job_file: wish.jobFile ?? null,
      runner: runnerKind,
      agent: wish.job.agent === undefined ? null : { kind: wish.job.agent, session: null },
      attempt,
      attempts,
      domain: mission.domain,
      intent: mission.intent,
      cwd: session.clean(mission.cwd),
      worktree: this.#options.worktree?.record ?? null,
      lease: wish.lease ?? null,
      detached,
      tmux: tmux ?? null,
      writer: session.bus.id,
      started_at: new Date().toISOString(),
      process: thisPodProcess(),
      tree: tree.kind,
      socket: null,
      log: session.log.path,
      stdout: null,
      stderr: null,
    };
  }

  #look(): BeatFacts {
    const { session, control } = this.#options;
    const { calls, errors } = session.recorder.counts;
    const { status } = control;
    const why = control.why === null ? null : session.clean(control.why);
    const { tokens, costUsd, unpricedTokens } = session.usage.spent;
    const used = { tokens, cost_usd: costUsd, unpriced_tokens: unpricedTokens };
    const counts = { calls, errors, ...used, dropped: { ...session.dropped() } };
    const services = session.redis === undefined ? [] : [session.redis.standing];
    const { reason = null, since = null } = control.waiting ?? {};
    const waits = { why, reason, waiting_since: since };
    return { status, ...waits, ...counts, last_tool: this.#lastTool, degraded: [...session.degraded], services };
  }

  /** What Redis is told. */
  #sessionFacts(): SessionFacts {
    const { entity, job, attempt, process: by, domain, intent, parent, started_at } = this.#heartbeat.record;
    const { status, why, calls, errors, last_tool: last, degraded, dropped, ...look } = this.#look();
    const { tokens, costUsd, unpricedTokens } = this.#options.session.usage.spent;
    return {
      reason: look.reason,
      waitingSince: look.waiting_since,
      tokens,
      costUsd,
      unpricedTokens,
      entity,
      job,
      attempt,
      domain,
      intent,
      parent,
      calls,
      errors,
      why,
      degraded,
      dropped,
      status: this.#end?.status ?? status,
      host: by.host,
      pid: by.pid,
      home: this.#options.wish.home.dir,
      startedAt: started_at,
      lastTool: last?.tool ?? null,
      lastWhat: last?.what ?? '',
      lastToolAt: last?.at ?? null,
      isToolRunning: last?.running ?? false,
      endedAt: this.#end?.at ?? null,
      exitCode: this.#end?.exitCode ?? null,
    };
  }

  #see(event: PodEvent): void {
    if (event.event === 'tool_started' || event.event === 'tool_ended') {
      const running = event.event === 'tool_started';
      const what = this.#options.session.clean(withoutCutWord(event.what));
      this.#lastTool = { tool: this.#options.session.clean(event.tool), what, at: new Date().toISOString(), running };
    }
    if (event.event === 'tool_output' || event.event === 'said') this.#seeOutput();
    else this.#heartbeat.touch();
  }

  #seeOutput(): void {
    const { output } = this.#options;
    if (output === undefined) return;
    const paths = { stdout: output.pathOf('stdout'), stderr: output.pathOf('stderr') };
    const { record } = this.#heartbeat;
    if (record.stdout !== paths.stdout || record.stderr !== paths.stderr) this.#heartbeat.amend(paths);
  }

  /** For `pod ls` and `pod result`: as it stands on the bus, or its beginning. */
  #shortResult(result: unknown): unknown {
    const { json } = this.#options.plan.encoder.encode(result ?? null);
    if (json.length <= RESULT_MAX_CHARS) return JSON.parse(json) as unknown;
    return { $cut: true, bytes: Buffer.byteLength(json), head: json.slice(0, RESULT_MAX_CHARS) };
  }
}
