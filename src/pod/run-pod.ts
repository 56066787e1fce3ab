/**
 * Owns the life of a pod in the foreground: from a validated job to the last line on the bus.
 *
 * P1. Nothing is written before everything is validated.
 * P2. Every way to end that leaves the process alive writes the ends of all entities and `session_end_summary`.
 */
import { dirname } from 'node:path';
import { archiveBus } from '../bus/archive.ts';
import { busPath, channelName } from '../bus/layout.ts';
import type { Scope } from '../config/evaluate.ts';
import { ensureHome, type Home } from '../config/home.ts';
import type { FoundJob } from '../config/job-files.ts';
import { readVersion } from '../config/package-root.ts';
import type { Settings } from '../config/settings.ts';
import { bestEffort, bestEffortSync } from '../failopen/best-effort.ts';
import { NikaError } from '../model/error.ts';
import { createEntityId, type EntityId, type SessionId, sessionIdSchema } from '../model/id.ts';
import { exitCodeOf, explain, outcomeOf, type Stop } from './ending.ts';
import type { PodEntity } from './entity.ts';
import { type Mission, resolveMission } from './mission.ts';
import { readParentRoot } from './parent.ts';
import type { PodEnded, PodListener, PodOutcome } from './pod-event.ts';
import { removePodFile, writePodFile } from './pod-file.ts';
import { type Lineage, Session } from './session.ts';
import { runSteps, type StepsOutcome } from './steps/run-steps.ts';
import { PodStepsHost } from './steps-host.ts';
import { resolveTrace, toTraceparent } from './trace.ts';

export interface RunPodOptions {
  readonly home: Home;
  readonly settings: Settings;
  readonly found: FoundJob;
  readonly inputs: Readonly<Record<string, unknown>>;
  readonly parent: EntityId | undefined;
  /** An id that the caller chose. */
  readonly id: EntityId | undefined;
  readonly calledIn: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly stop: Stop;
  readonly listener: PodListener;
}

interface Run {
  readonly options: RunPodOptions;
  readonly session: Session;
  readonly sessionId: SessionId;
  readonly mission: Mission;
  readonly entity: PodEntity;
  readonly lineage: Lineage;
  readonly scope: Scope;
  readonly childEnv: Readonly<Record<string, string>>;
}

interface End {
  readonly outcome: PodOutcome;
  readonly exitCode: number;
  readonly result: unknown;
  readonly error: string | undefined;
}

const EXIT_COMPLETED = 0;
const EXIT_FAILED = 1;
const ARCHIVE_BUDGET_MS = 10 * 60_000;

/** Runs the job to its end. @throws {NikaError} before anything was written (P1): a wrong id, parent, key or field. */
export const runPod = async (options: RunPodOptions): Promise<PodEnded> => {
  const { home, settings, found, inputs, env, stop } = options;
  const trace = resolveTrace(env['TRACEPARENT']);
  const sessionId = sessionIdSchema.parse(crypto.randomUUID());
  const id = options.id ?? createEntityId('JOB');
  const job = { id, name: found.job.name, dir: dirname(found.file), cwd: options.calledIn };
  const nika = { node: process.execPath, home: home.dir };
  const early: Scope = { inputs, steps: {}, job, env, nika };
  const mission = resolveMission(found.job, settings, early, options.calledIn);
  const scope: Scope = { ...early, job: { ...job, cwd: mission.cwd } };
  const parentRoot = options.parent === undefined ? undefined : await readParentRoot(home.busDir, options.parent);
  const gaps = ensureHome(home);
  await using session = new Session({ home, settings, session: sessionId, trace, listener: options.listener });
  claim(session, id);
  for (const { path, why } of gaps) session.log.write('warn', 'a folder of the home could not be made', { path, why });
  const lineage: Lineage = {
    job: found.job.name,
    domain: mission.domain,
    intent: mission.intent,
    ...(mission.role === undefined ? {} : { role: mission.role }),
    ...(mission.tags.length === 0 ? {} : { tags: [...mission.tags] }),
    root_id: parentRoot ?? id,
  };
  const parent = options.parent ?? createProject(session, mission, lineage);
  const entity = session.entity(id, parent, lineage);
  const own = {
    NIKA_HOME: home.dir,
    NIKA_SESSION_ID: sessionId,
    NIKA_ENTITY_ID: id,
    TRACEPARENT: toTraceparent(trace),
  };
  const childEnv = definedOnly({ ...env, ...mission.env, ...own });
  const run: Run = {
    options,
    session,
    sessionId,
    mission,
    entity,
    lineage,
    scope: { ...scope, env: childEnv },
    childEnv,
  };
  begin(run);
  const archive = new AbortController();
  const archiving = bestEffort('bus.archive', { withinMs: ARCHIVE_BUDGET_MS }, () =>
    archiveBus({
      busDir: home.busDir,
      runDir: home.runDir,
      olderThanDays: settings.bus.archiveAfterDays,
      signal: archive.signal,
    }),
  );
  if (mission.timeoutMs !== undefined) stop.after(mission.timeoutMs, { kind: 'timed_out', afterMs: mission.timeoutMs });
  if (mission.wallMs !== undefined) stop.after(mission.wallMs, { kind: 'limit', limit: 'wall', value: mission.wallMs });
  const host = new PodStepsHost({ session, job: entity, lineage, sessionId, stop, maxToolCalls: mission.maxToolCalls });
  const outcome = await runSteps({ job: found.job, scope: run.scope, env: childEnv, host, signal: stop.signal });
  host.close();
  archive.abort();
  await archiving;
  return finish(run, endOf(outcome, stop));
};

/** @throws {NikaError} `NIKA_ENTITY_EXISTS` */
const claim = (session: Session, id: EntityId): void => {
  if (session.bus.createChannel(id) === 'created') return;
  throw new NikaError('NIKA_ENTITY_EXISTS', `${id} is on the bus already`, { subject: id });
};

const definedOnly = (env: Readonly<Record<string, string | undefined>>): Readonly<Record<string, string>> =>
  Object.fromEntries(Object.entries(env).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])));

/** The first job of a project creates it, by exclusive creation of its channel (design, section 4). */
const createProject = (session: Session, { project }: Mission, lineage: Lineage): EntityId | undefined => {
  if (project === undefined) return undefined;
  if (session.bus.createChannel(project) === 'created') {
    session.entity(project, undefined, { ...lineage, root_id: project }).transition('created', 'entity_created', {
      name: project,
    });
  }
  return project;
};

const begin = (run: Run): void => {
  const { options, session, sessionId, entity, mission } = run;
  const { found, home, inputs } = options;
  const { name, description } = found.job;
  entity.transition('created', 'entity_created', { name, description });
  const startedAt = new Date().toISOString();
  const facts = { session: sessionId, entity: entity.id, job: name, cwd: mission.cwd, writer: session.bus.id };
  bestEffortSync('pod.file', () => writePodFile(home.runDir, { ...facts, started_at: startedAt }));
  entity.record('session_start', {
    kind: 'pod',
    version: readVersion(),
    cwd: mission.cwd,
    inputs,
    alpha_head: session.alphaHead(),
  });
  entity.transition('in_progress', 'entity_started', {});
  session.tell({
    event: 'pod_started',
    id: entity.id,
    session: sessionId,
    job: name,
    home: home.dir,
    cwd: mission.cwd,
  });
};

const endOf = (outcome: StepsOutcome, stop: Stop): End => {
  const { reason } = stop;
  if (reason !== undefined && outcome.kind !== 'completed') {
    return { outcome: outcomeOf(reason), exitCode: exitCodeOf(reason), result: null, error: explain(reason) };
  }
  switch (outcome.kind) {
    case 'completed':
      return {
        outcome: 'completed',
        exitCode: EXIT_COMPLETED,
        result: outcome.outputs ?? outcome.lastOutput ?? null,
        error: undefined,
      };
    case 'failed':
      return {
        outcome: 'failed',
        exitCode: EXIT_FAILED,
        result: null,
        error: `step ${outcome.stepId}: ${outcome.error}`,
      };
    case 'cancelled':
      return { outcome: 'cancelled', exitCode: EXIT_FAILED, result: null, error: undefined };
  }
};

const writeEnd = ({ entity, session }: Run, end: End): void => {
  const ended = { result: end.result, duration_ms: Math.round(session.atMs) };
  switch (end.outcome) {
    case 'completed':
      entity.transition('completed', 'job_completed', ended);
      return;
    case 'interrupted':
    case 'cancelled':
      entity.transition('cancelled', 'job_cancelled', { ...ended, reason: end.error });
      return;
    case 'failed':
    case 'timed_out':
    case 'limit':
      entity.transition('failed', 'job_failed', { ...ended, error: end.error ?? end.outcome, code: end.outcome });
  }
};

/** A head has about 150 bytes, and a line 64 KiB of which other fields want some. */
const HEADS_PER_LINE = 200;

/**
 * Heads that have no room in the summary go before it. The most recently written files come last in `heads()`: the
 * job's channel and the alpha bus, which these notes still change, are always in the summary itself.
 */
const writeSurplusHeads = ({ entity, session }: Run): void => {
  const surplus = session.bus.heads().slice(0, -HEADS_PER_LINE);
  for (let at = 0; at < surplus.length; at += HEADS_PER_LINE) {
    entity.record('note', { text: 'heads of this writer', heads: surplus.slice(at, at + HEADS_PER_LINE) });
  }
};

const finish = async (run: Run, end: End): Promise<PodEnded> => {
  const { entity, session, sessionId, options } = run;
  const { calls, errors, byTool } = session.recorder.counts;
  writeEnd(run, end);
  const durationMs = Math.round(session.atMs);
  writeSurplusHeads(run);
  entity.record('session_end_summary', {
    outcome: end.outcome,
    exit_code: end.exitCode,
    duration_ms: durationMs,
    calls,
    errors,
    calls_by_tool: Object.fromEntries(byTool),
    dropped: session.dropped(),
    result: end.result,
    alpha_head: session.alphaHead(),
    heads: session.bus.heads().slice(-HEADS_PER_LINE),
  });
  await session.close();
  const ended: PodEnded = {
    event: 'pod_ended',
    id: entity.id,
    session: sessionId,
    outcome: end.outcome,
    exit_code: end.exitCode,
    duration_ms: durationMs,
    calls,
    errors,
    result: end.result,
    ...(end.error === undefined ? {} : { error: end.error }),
    dropped: session.dropped(),
    channel: busPath(options.home.busDir, channelName(entity.id)),
    log: session.log.isUsed ? session.log.path : null,
  };
  session.tell(ended);
  bestEffortSync('pod.file', () => removePodFile(options.home.runDir, sessionId));
  return ended;
};
