/**
 * Owns that a result which names `next_capabilities` has its next jobs dispatched (seed: capability routing).
 *
 * N1. Once each, whoever looks and however often: the id of the next job is made of what it follows.
 * N2. Never more than `swarm.chainDepth` after one another: the depth stands in the id.
 */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { readEntity } from '../../bus/query/entities.ts';
import { findJob } from '../../config/job/job-files.ts';
import { resolveInputs } from '../../config/job/job-inputs.ts';
import { capabilitySchema } from '../../model/dispatch.ts';
import { NikaError } from '../../model/error.ts';
import { type EntityId, entityIdSchema } from '../../model/id.ts';
import { wholeValue } from '../../pod/registry/pod-result.ts';
import { dispatchJob } from '../dispatch/dispatch-job.ts';
import type { StartPlace } from './start-job.ts';

const MAX_NEXT = 20;
const HASH_CHARS = 12;
const nextSchema = z.object({ next_capabilities: z.array(capabilitySchema).max(MAX_NEXT) });

const depthOf = (entity: string): number => Number(/^JOB-next-(\d+)-/.exec(entity)?.[1] ?? 0);

/** N1, N2 */
export const nextJobId = (after: EntityId, capability: string): EntityId => {
  const hash = createHash('sha256').update(`${after} ${capability}`).digest('hex').slice(0, HASH_CHARS);
  return entityIdSchema.parse(`JOB-next-${depthOf(after) + 1}-${hash}`);
};

/** A result is what a module returned or a job's outputs are, or the text of it that an agent or a command printed. */
export const namedIn = (result: unknown): readonly string[] => {
  const text = typeof result === 'string' && result.trimStart().startsWith('{') ? result : undefined;
  try {
    const parsed = nextSchema.safeParse(text === undefined ? result : JSON.parse(text));
    return parsed.success ? [...new Set(parsed.data.next_capabilities)] : [];
  } catch {
    return []; // text that only begins like an object
  }
};

const dispatchOne = async (
  after: EntityId,
  capability: string,
  jobName: string,
  place: StartPlace,
): Promise<string> => {
  const { home, settings, env, cwd } = place;
  const { job, file, source } = await findJob(home, jobName, cwd);
  const inputs = resolveInputs(job, Object.hasOwn(job.inputs, 'from') ? [`from=${after}`] : []);
  const { id } = await dispatchJob({
    home,
    settings,
    env,
    job,
    jobFile: file,
    isByName: source !== 'path',
    inputs,
    parent: after,
    id: nextJobId(after, capability),
    calledIn: cwd,
    priority: 0,
    capability,
    notBeforeMs: undefined,
    deadlineMs: undefined,
  });
  return `${capability}: ${id} ${job.name}`;
};

/** What was dispatched, or why not, as lines for people. Never rejects for what a job or the settings may do. */
export const dispatchNext = async (after: EntityId, place: StartPlace): Promise<readonly string[]> => {
  const { home, settings } = place;
  const view = await readEntity(home.busDir, after);
  if (view?.state !== 'completed') return [];
  const { capabilities, chainDepth } = settings.swarm;
  const told: string[] = [];
  for (const capability of namedIn(wholeValue(home.busDir, view.result))) {
    const route = Object.hasOwn(capabilities, capability) ? capabilities[capability] : undefined;
    if (route === undefined) {
      told.push(`${capability}: no job is set for it (swarm.capabilities.${capability}.job)`);
    } else if (depthOf(after) >= chainDepth) {
      told.push(`${capability}: not dispatched, ${chainDepth} jobs followed one another (swarm.chainDepth)`);
    } else {
      try {
        told.push(await dispatchOne(after, capability, route.job, place));
      } catch (thrown) {
        if (!(thrown instanceof NikaError)) throw thrown;
        if (thrown.code !== 'NIKA_ENTITY_EXISTS') told.push(`${capability}: ${thrown.message}`); // N1
      }
    }
  }
  return told;
};
