/**
 * Owns the rules by which a step changes, for a contract in a home (`redis/scripts/contract.lua.ts` has the same), and what
 * stands of what Redis has and what a home has. Pure.
 */
import type { StepAnswer, StepChange } from '../../redis/scripts/contract.lua.ts';
import { laterOf, type StandingContract, type StepStanding } from './contract.ts';

export const lineOf = ({ state, ts, entity, session }: Pick<StepStanding, 'state' | 'ts' | 'entity' | 'session'>) =>
  `${state} ${ts} ${entity} ${session}`;

const isSame = (there: StepStanding, { state, ts, entity, session }: StepChange): boolean =>
  there.state === state && there.ts === ts && there.entity === entity && there.session === session;

/** Its session has it, and begins it once; the next attempt of the same job may begin it again. */
const heldBy = (there: StepStanding, { what, entity, session }: StepChange): boolean =>
  there.state === 'running' && (there.entity !== entity || (what === 'start') === (there.session === session));

/** What comes of it; `done`: it is to be written. */
export const judgeStep = (standing: StandingContract | undefined, change: StepChange): StepAnswer => {
  if (standing?.sha256 !== change.sha256) return { kind: 'changed', by: '' };
  const there = standing.steps.get(change.step);
  if (there !== undefined) {
    const by = lineOf(there);
    if (isSame(there, change)) return { kind: 'done', by };
    if (there.state === 'completed') return { kind: 'over', by };
    if (change.what === 'bring')
      return change.state !== 'completed' && there.ts >= change.ts ? { kind: 'over', by } : { kind: 'done', by };
    if (there.state === 'failed' && change.what !== 'start') return { kind: 'over', by };
    if (!change.isTaking && heldBy(there, change)) return { kind: 'held', by };
  }
  const isFree = change.what === 'fail' || change.what === 'bring';
  const need = isFree ? undefined : change.needs.find((name) => standing.steps.get(name)?.state !== 'completed');
  return need === undefined ? { kind: 'done', by: '' } : { kind: 'needs', by: need };
};

/** What stands of a step: once it is completed in Redis, that; else the later. */
export const standsOf = (there: StepStanding | undefined, here: StepStanding | undefined): StepStanding | undefined =>
  there?.state === 'completed' ? there : laterOf(there, here);

export const withStep = (there: StandingContract, step: string, standing: StepStanding): StandingContract => ({
  ...there,
  steps: new Map([...there.steps, [step, standing]]),
});

const mergedSteps = (there: StandingContract, here: StandingContract): StandingContract => {
  const steps = new Map<string, StepStanding>();
  for (const name of new Set([...here.steps.keys(), ...there.steps.keys()])) {
    const standing = standsOf(there.steps.get(name), here.steps.get(name));
    if (standing !== undefined) steps.set(name, standing);
  }
  return { ...there, steps };
};

/** The contract that stands; of the same one, how each step stands. */
export const merged = (there: StandingContract, here: StandingContract): StandingContract => {
  if (here.sha256 === there.sha256) return mergedSteps(there, here);
  return there.steps.size > 0 || there.ts >= here.ts ? there : here;
};

/** Whether Redis has of the same contract what the home has not. */
export const isBehind = (here: StandingContract, there: StandingContract): boolean =>
  [...there.steps].some(([step, standing]) => {
    const mine = here.steps.get(step);
    if (mine === undefined) return true;
    return standsOf(standing, mine) === standing && lineOf(mine) !== lineOf(standing);
  });
