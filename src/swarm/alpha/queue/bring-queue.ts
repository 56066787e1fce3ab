/**
 * Owns that what this home dispatched gets into the queue, also where no worker runs here: what the queue did not take when
 * it was dispatched, what it lost since, and what a result names next.
 */
import type { AlphaContext, Task } from '../duty.ts';
import { ROLE_TIMES } from '../role.ts';

const openDesk = async ({ settings: { redis }, swarm }: AlphaContext) => {
  if (redis.kind === 'off') return undefined;
  const { LeaseDesk } = await import('../../worker/lease-desk.ts');
  return LeaseDesk.open({ target: redis, leaseS: ROLE_TIMES.leaseS, name: swarm.session.id, mayPodsHold: () => true });
};

export const bringQueue: Task = {
  name: 'queue',
  role: 'home',
  run: async (context, signal) => {
    const [{ openWorkQueue }, { bringOwn }] = await Promise.all([
      import('../../queue/open-work-queue.ts'),
      import('../../worker/bring-work.ts'),
    ]);
    const { home, settings, env, swarm } = context;
    const place = { home, settings, env, cwd: home.dir };
    await using queue = await openWorkQueue({ home, settings });
    await using desk = await openDesk(context);
    const say = (line: string): void => swarm.session.log.write('info', line, {});
    await bringOwn({ home, settings, queue, desk, place, session: swarm.session.id, say }, signal);
  },
};
