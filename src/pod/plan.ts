/** Owns all that is settled of a pod before anything is written: whatever can be wrong is found here. */
import { dirname } from 'node:path';
import { createChain } from '../bus/chain.ts';
import type { Scope } from '../config/expression/evaluate.ts';
import type { Home } from '../config/home.ts';
import type { Job } from '../config/job/job.ts';
import type { Settings } from '../config/settings.ts';
import type { HeldLease } from '../model/held-lease.ts';
import { createEntityId, type EntityId } from '../model/id.ts';
import { providerKeysIn } from '../model/provider-keys.ts';
import { type BodyEncoder, createBodyEncoder } from '../recorder/body.ts';
import { type Mission, refuseSecrets, resolveMission } from './mission.ts';
import { readParentRoot } from './parent.ts';
import type { Rejection } from '../model/rejection.ts';
import type { Lineage } from './lineage.ts';
import type { GivenStanding } from './claim-entity.ts';
import { resolveTrace, type TraceIds } from './trace.ts';
import { isInLinkedCheckout } from './worktree/linked-checkout.ts';
import type { WorktreePlan } from './worktree/plan-worktree.ts';

export interface PodWish {
  readonly home: Home;
  readonly settings: Settings;
  readonly job: Job;
  /** Absolute; `undefined`: the job has no file (`nika run`, a library). */
  readonly jobFile: string | undefined;
  readonly inputs: Readonly<Record<string, unknown>>;
  readonly parent: EntityId | undefined;
  /** An id that the caller chose. */
  readonly id: EntityId | undefined;
  /** Where the command was given. Absolute. */
  readonly calledIn: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The entity is on the bus already, and goes on with its next attempt. */
  readonly resumes?: boolean;
  /** It was rejected in review, and is done again. */
  readonly rejected?: Rejection;
  /** Of a job of the queue: see the launch spec. */
  readonly lease?: HeldLease | undefined;
  readonly standing?: GivenStanding | undefined;
  readonly root?: EntityId | undefined;
  /** Tries in all; `undefined`: as the job says. */
  readonly attempts?: number | undefined;
}

export interface PodPlan {
  readonly id: EntityId;
  readonly parent: EntityId | undefined;
  readonly trace: TraceIds;
  readonly mission: Mission;
  /** In which git worktree it runs; `undefined`: where it was started. */
  readonly worktree: WorktreePlan | undefined;
  readonly encoder: BodyEncoder;
  readonly lineage: Lineage;
  /** What expressions see; each attempt adds the environment of its session. */
  readonly scope: Scope;
  /** The caller's environment and the job's. */
  readonly env: Readonly<Record<string, string>>;
}

const definedOnly = (env: Readonly<Record<string, string | undefined>>): Readonly<Record<string, string>> =>
  Object.fromEntries(Object.entries(env).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])));

/** The worktree that it is to run in, or has to: loaded where there may be one. */
const planPlace = async (
  wish: PodWish,
  id: EntityId,
  { cwd, worktree: wanted }: Mission,
): Promise<WorktreePlan | undefined> => {
  const mayHaveOne = wish.resumes === true || isInLinkedCheckout(cwd);
  if ((wanted ?? false) === false && !mayHaveOne) return undefined;
  const { planWorktree } = await import('./worktree/plan-worktree.ts');
  return planWorktree({ wish, id, cwd, wanted });
};

/** The keys of providers that the agent has in its environment are on no line, however it shows them (G7). */
const keyPatterns = (env: PodWish['env']) =>
  providerKeysIn(env).map((key) => ({ name: 'provider_key', pattern: RegExp.escape(key) }));

/** What it is told of a rejection; that of a pod around it is not its own. */
const rejectionEnv = ({ rejected }: PodWish): Readonly<Record<string, string | undefined>> => ({
  NIKA_REVIEW_REASON: rejected?.reason,
  NIKA_REVIEW_ROUND: rejected === undefined ? undefined : String(rejected.round + 1),
});

/** @throws {NikaError} a wrong id, parent, key or field; nothing was written. */
export const planPod = async (wish: PodWish): Promise<PodPlan> => {
  const { home, settings, job, inputs, env, calledIn, parent } = wish;
  createChain(settings.bus.keyFile); // a key that cannot be used is told before a folder is made
  const trace = resolveTrace(env['TRACEPARENT']);
  const id = wish.id ?? createEntityId('JOB');
  const named = {
    id,
    name: job.name,
    dir: wish.jobFile === undefined ? calledIn : dirname(wish.jobFile),
    cwd: calledIn,
  };
  const nika = { node: process.execPath, home: home.dir };
  const rendered = resolveMission(job, settings, { inputs, steps: {}, job: named, env, nika }, calledIn);
  const { project, domain, intent, role } = rendered;
  const tags = Object.fromEntries(rendered.tags.map((tag, at) => [`tags[${at}]`, tag]));
  const { maxBodyBytes, redact } = settings.recorder;
  const encoder = createBodyEncoder({ maxBodyBytes, patterns: [...redact, ...keyPatterns(env)] });
  const branch = typeof rendered.worktree === 'object' ? rendered.worktree.branch : undefined;
  refuseSecrets({ name: job.name, id, parent, project, domain, intent, role, branch, ...tags }, encoder);
  const root = wish.root ?? (parent === undefined ? undefined : await readParentRoot(home.busDir, parent));
  const worktree = await planPlace(wish, id, rendered);
  const mission = worktree === undefined ? rendered : { ...rendered, cwd: worktree.cwd };
  const childEnv = definedOnly({ ...(worktree?.env ?? env), ...mission.env, ...rejectionEnv(wish) });
  const lineage: Lineage = {
    job: job.name,
    domain,
    intent,
    ...(role === undefined ? {} : { role }),
    ...(job.agent === undefined ? {} : { agent: job.agent }),
    ...(mission.tags.length === 0 ? {} : { tags: [...mission.tags] }),
    root_id: root ?? id,
  };
  const scope: Scope = { inputs, steps: {}, job: { ...named, cwd: mission.cwd }, env: childEnv, nika };
  return { id, parent: parent ?? project, trace, mission, worktree, encoder, lineage, scope, env: childEnv };
};
