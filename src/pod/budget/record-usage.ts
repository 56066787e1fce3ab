/** Owns what is done with what was used of a model: its cost, its line on the bus, the live view, the budgets. */
import type { Usage } from '../../model/usage.ts';
import type { PodEntity } from '../entity.ts';
import type { Session } from '../session.ts';
import type { Budget } from './budget.ts';
import { unpricedText } from './words.ts';

export interface UsageOf {
  readonly session: Session;
  readonly job: PodEntity;
  readonly budget: Budget | undefined;
}

/** `by`: whose line it is, and which agent tells, where that is not the one of the job. Gives what it cost, where that can be said. */
export const recordUsage = (
  { session, job, budget }: UsageOf,
  told: Usage,
  {
    entity = job,
    agent = job.meta.agent,
  }: { readonly entity?: PodEntity | undefined; readonly agent?: string | undefined },
): number | null => {
  const usage = session.usage.take(told, agent);
  entity.record('usage', usage);
  const { tokens, costUsd, unpricedTokens } = session.usage.spent;
  session.tell({ event: 'used', usage, tokens, cost_usd: costUsd, unpriced_tokens: unpricedTokens });
  if (session.usage.isNewlyUnpriced(usage)) {
    const text = unpricedText(usage.model);
    job.record('note', { text, level: 'warn' });
    session.tell({ event: 'note', text });
  }
  budget?.use(usage);
  return usage.cost_usd;
};
