/** Owns which hooks and rules hold for a pod: those of the settings, then those of its job. */
import type { HookPipeline } from '../../hooks/hook-pipeline.ts';
import { openHooks } from '../../hooks/open-hooks.ts';
import { withoutProviderKeys } from '../../model/provider-keys.ts';
import type { PodPlan, PodWish } from '../plan.ts';
import type { Session } from '../session.ts';

/** What fails of them is logged, and counted by name. */
export const openPodHooks = (
  { settings, job, home }: PodWish,
  plan: PodPlan,
  session: Session,
): Promise<HookPipeline> => {
  const { dir, cwd } = plan.scope.job;
  const own = { NIKA_HOME: home.dir, NIKA_SESSION_ID: session.id, NIKA_ENTITY_ID: plan.id };
  return openHooks({
    settings: { hooks: settings.hooks, policy: settings.policy, dir: home.dir },
    job: { hooks: job.hooks, policy: job.policy, dir },
    cwd,
    env: { ...withoutProviderKeys(plan.env), ...own },
    onFailure: (name, why) => session.log.write('warn', 'a hook failed', { name, why }),
  });
};
