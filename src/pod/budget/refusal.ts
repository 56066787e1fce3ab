/** Owns what is said where a budget is used up before a pod starts: which one, and what can be done. */
import { NikaError } from '../../model/error.ts';
import type { Reached } from './scope.ts';
import { usedUpText } from './words.ts';

const NAMES = { cost_usd: 'costUsd', tokens: 'tokens', tool_calls: 'toolCalls', wall: 'wall' } as const;

export const refusal = (reached: Reached): NikaError => {
  const { scope, of, limit } = reached;
  const setting = scope === 'day' ? `limits.perDay.${NAMES[limit]}` : `projects.${of}.limits.${NAMES[limit]}`;
  const remedies = {
    job: `Raise limits.${limit} in the job file, or start the job anew; "nika costs" shows what used it up.`,
    project: `Raise ${setting} in config/nika.yaml; "nika costs --by project --since 30d" shows what used it up.`,
    day: `Raise ${setting} in config/nika.yaml, or wait for 00:00 UTC; "nika costs" shows what used it up.`,
  };
  return new NikaError('NIKA_BUDGET_USED_UP', usedUpText(reached), { subject: of, remedy: remedies[scope] });
};
