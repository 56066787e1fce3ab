/** Owns the duty of Alpha that dispatches follow-ups: the engine, told of each change by whoever leads the swarm. */
import type { FeedChange } from '../../ipc/feed/feed-change.ts';
import { Autonomy, type AutonomyContext } from './autonomy.ts';
import { dispatchFollowUp } from './dispatch-follow-up.ts';

/** As Alpha registers it: one engine for as long as its process lives. */
export const followUps = () => {
  const engine = new Autonomy(dispatchFollowUp);
  return {
    name: 'autonomy',
    role: 'orchestrator',
    counts: engine.counts,
    onChange: ({ change }: { readonly change: FeedChange }, context: AutonomyContext, signal: AbortSignal) =>
      engine.onChange(change, context, signal),
  } as const;
};
