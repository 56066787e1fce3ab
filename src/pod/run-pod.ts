/**
 * Owns the life of a pod in the foreground: from a validated job to the last line on the bus.
 *
 * P1. Nothing is written before everything is validated.
 * P2. Every way to end that leaves the process alive writes the ends of all entities and `session_end_summary`.
 */
import { dirname } from 'node:path';
import { archiveBus } from '../bus/archive.ts';
import type { Scope } from '../config/expression/evaluate.ts';
import { ensureHome, type Home } from '../config/home.ts';
import type { FoundJob } from '../config/job/job-files.ts';
import { readVersion } from '../config/package-root.ts';
import type { Settings } from '../config/settings.ts';
import { bestEffort, bestEffortSync } from '../failopen/best-effort.ts';
import { errorMessage, NikaError } from '../model/error.ts';
import { createEntityId, type EntityId, type SessionId, sessionIdSchema } from '../model/id.ts';
import { endOf, finish, type Run } from './end-pod.ts';
import type { Stop } from './ending.ts';
import { type Mission, refuseSecrets, resolveMission } from './mission.ts';
import { type BodyEncoder, createBodyEncoder } from '../recorder/body.ts';
import { readParentRoot } from './parent.ts';
import type { PodEnded, PodListener } from './pod-event.ts';
import { writePodFile } from './pod-file.ts';
import { type Lineage, Session } from './session.ts';
import { runSteps, type StepsOutcome, type StepsRun } from './steps/run-steps.ts';
import { PodStepsHost } from './steps-host.ts';
import { resolveTrace, type TraceIds, toTraceparent } from './trace.ts';

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

const ARCHIVE_BUDGET_MS = 10 * 60_000;

/** Runs the job to its end. @throws {NikaError} before anything was written (P1): a wrong id, parent, key or field. */
export const runPod = async (options: RunPodOptions): Promise<PodRun> => {
  const { home, settings, stop, listener } = options;
  const facts = await resolveFacts(options);
  const gaps = ensureHome(home);
  const { sessionId, trace, mission, encoder } = facts;
  await using session = new Session({ home, settings, session: sessionId, trace, encoder, listener });
  claim(session, facts.id);
  for (const { path, why } of gaps) session.log.write('warn', 'a folder of the home could not be made', { path, why });
  const lineage = lineageOf(options, facts);
  const parent = options.parent ?? createProject(session, mission, lineage);
  const entity = session.entity(facts.id, parent, lineage);
  const run: Run = { home, session, sessionId, entity };
  begin(run, options, mission);
  await using _archiving = startArchiving(options);
  if (mission.timeoutMs !== undefined) stop.after(mission.timeoutMs, { kind: 'timed_out', afterMs: mission.timeoutMs });
  if (mission.wallMs !== undefined) stop.after(mission.wallMs, { kind: 'limit', limit: 'wall', value: mission.wallMs });
  const host = new PodStepsHost({ session, job: entity, lineage, sessionId, stop, maxToolCalls: mission.maxToolCalls });
  const env = facts.childEnv;
  const outcome = await runAll({ job: options.found.job, scope: facts.scope, env, host, signal: stop.signal });
  host.close();
  const ended = await finish(run, endOf(outcome, stop));
  return { ended, isHeldUp: session.isHeldUp };
};

/** A bug of the runner is a failure of the job, with its ends on the bus (P2). */
const runAll = async (steps: StepsRun): Promise<StepsOutcome> => {
  try {
    return await runSteps(steps);
  } catch (thrown) {
    return { kind: 'failed', stepId: '(nika)', error: `a bug of nika: ${errorMessage(thrown)}` };
  }
};

export interface PodRun {
  readonly ended: PodEnded;
  /** A disk hangs: the process has to be ended by force, or Node waits for it. */
  readonly isHeldUp: boolean;
}

interface Facts {
  readonly id: EntityId;
  readonly sessionId: SessionId;
  readonly trace: TraceIds;
  readonly mission: Mission;
  readonly root: EntityId | undefined;
  readonly encoder: BodyEncoder;
  readonly scope: Scope;
  /** Environment of the tools: the caller's, the job's, and who they work for. */
  readonly childEnv: Readonly<Record<string, string>>;
}

/** All that can be wrong is found here (P1). */
const resolveFacts = async (options: RunPodOptions): Promise<Facts> => {
  const { home, settings, found, inputs, env, calledIn } = options;
  const trace = resolveTrace(env['TRACEPARENT']);
  const sessionId = sessionIdSchema.parse(crypto.randomUUID());
  const id = options.id ?? createEntityId('JOB');
  const job = { id, name: found.job.name, dir: dirname(found.file), cwd: calledIn };
  const nika = { node: process.execPath, home: home.dir };
  const mission = resolveMission(found.job, settings, { inputs, steps: {}, job, env, nika }, calledIn);
  const { project, domain, intent, role } = mission;
  const tags = Object.fromEntries(mission.tags.map((tag, at) => [`tags[${at}]`, tag]));
  const labels = { name: found.job.name, id, parent: options.parent, project, domain, intent, role, ...tags };
  const encoder = createBodyEncoder({
    maxBodyBytes: settings.recorder.maxBodyBytes,
    patterns: settings.recorder.redact,
  });
  refuseSecrets(labels, encoder);
  const root = options.parent === undefined ? undefined : await readParentRoot(home.busDir, options.parent);
  const own = {
    NIKA_HOME: home.dir,
    NIKA_SESSION_ID: sessionId,
    NIKA_ENTITY_ID: id,
    TRACEPARENT: toTraceparent(trace),
  };
  const childEnv = definedOnly({ ...env, ...mission.env, ...own });
  const scope: Scope = { inputs, steps: {}, job: { ...job, cwd: mission.cwd }, env: childEnv, nika };
  return { id, sessionId, trace, mission, root, scope, childEnv, encoder };
};

const lineageOf = ({ found }: RunPodOptions, { mission, root, id }: Facts): Lineage => ({
  job: found.job.name,
  domain: mission.domain,
  intent: mission.intent,
  ...(mission.role === undefined ? {} : { role: mission.role }),
  ...(mission.tags.length === 0 ? {} : { tags: [...mission.tags] }),
  root_id: root ?? id,
});

/** Old files of the bus are compressed while the pod works; its end ends that too. */
const startArchiving = ({ home, settings }: RunPodOptions): AsyncDisposable => {
  const { signal, abort } = abortable();
  const { busDir, runDir } = home;
  const { archiveAfterDays } = settings.bus;
  const archiving = bestEffort('bus.archive', { withinMs: ARCHIVE_BUDGET_MS }, () =>
    archiveBus({ busDir, runDir, olderThanDays: archiveAfterDays, signal }),
  );
  return {
    [Symbol.asyncDispose]: async () => {
      abort();
      await archiving;
    },
  };
};

const abortable = (): { readonly signal: AbortSignal; readonly abort: () => void } => {
  const controller = new AbortController();
  return { signal: controller.signal, abort: () => controller.abort() };
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

const begin = ({ session, sessionId, entity }: Run, { found, home, inputs }: RunPodOptions, mission: Mission): void => {
  const { name, description } = found.job;
  entity.transition('created', 'entity_created', { name, description });
  const startedAt = new Date().toISOString();
  const cwd = session.clean(mission.cwd);
  const facts = { session: sessionId, entity: entity.id, job: name, cwd, writer: session.bus.id };
  bestEffortSync('pod.file', () => writePodFile(home.runDir, { ...facts, started_at: startedAt }));
  entity.record('session_start', {
    kind: 'pod',
    version: readVersion(),
    cwd: mission.cwd,
    inputs,
    ...session.weave(entity),
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
