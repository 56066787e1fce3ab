/** Owns what a program that tells of its own tokens means, as a line of usage. Pure. */
import type { Usage } from '../../model/usage.ts';
import type { RequestOf } from '../socket/protocol.ts';

export const reportedUsage = (told: Omit<RequestOf<'usage'>, 'task'>): Usage => {
  const { model, scope, input_tokens, cache_read_tokens, cache_write_tokens, output_tokens } = told;
  const { reasoning_tokens, cost_usd: cost, cost_later: later, turn } = told;
  const unknown = later === true ? 'later' : 'nobody';
  return {
    scope,
    model,
    input_tokens,
    cache_read_tokens,
    cache_write_tokens,
    output_tokens,
    ...(reasoning_tokens === undefined ? {} : { reasoning_tokens }),
    cost_usd: cost ?? null,
    cost_from: cost === undefined ? unknown : 'agent',
    source: 'reported',
    ...(turn === undefined ? {} : { turn }),
  };
};
