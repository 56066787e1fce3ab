/** Owns the rules by which a step changes, for a contract in a home; `redis/scripts/contract.lua.ts` has the same. Pure. */
import type { StepAnswer, StepChange } from '../../redis/scripts/contract.lua.ts';
import type { StandingContract, StepStanding } from './contract.ts';

export const lineOf = ({ state, ts, entity, session }: Pick<StepStanding, 'state' | 'ts' | 'entity' | 'session'>) =>
  `${state} ${ts} ${entity} ${session}`;

const isSame = (there: StepStanding, { state, ts, entity, session }: StepChange): boolean =>
  there.state === state && there.ts === ts && there.entity === entity && there.session === session;

const heldBy = (there: StepStanding, { what, entity, session }: StepChange): boolean =>
  there.state === 'running' && (there.entity !== entity || (what !== 'start' && there.session !== session));

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
