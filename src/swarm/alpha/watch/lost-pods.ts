/** Owns that pods, Alphas and workers which died on this host are closed soon, and Redis is made whole now and then. */
import { closeAllLost } from '../../../pod/registry/lost.ts';
import { closeLostSessions } from '../../../pod/registry/lost-session.ts';
import { startReconcile } from '../../../pod/reconcile/start-reconcile.ts';
import type { Chore } from '../duty.ts';

export const closeLost = (everyMs: number): Chore => ({
  name: 'lost pods',
  role: 'home',
  everyMs,
  withinMs: 60_000,
  run: async ({ home, settings }) => {
    await closeAllLost({ home, settings });
    await closeLostSessions({ home, settings });
  },
});

/** After an outage each session of nika does so by itself; this is for what went wrong in between. */
export const reconcileNowAndThen = (everyMs: number): Chore => ({
  name: 'reconcile',
  role: 'home',
  everyMs,
  run: async ({ home, settings, env }) => {
    if (settings.redis.kind === 'on') await startReconcile(home, env);
  },
});
