/** Owns the word about a job that was dispatched and that nobody takes now: who waits for it should know why. */
import type { Home } from '../../config/home.ts';
import type { Settings } from '../../config/settings.ts';
import { DEFAULT_CAPABILITY } from '../../model/dispatch.ts';
import { cell } from '../table.ts';
import type { Terminal } from '../terminal.ts';

/** A word more is not worth a longer wait. */
const CONNECT_MS = 500;

interface Place {
  readonly home: Home;
  readonly settings: Settings;
}

/** Whether somebody of another home, or of another host, offers it; also where nobody can say. Never rejects. */
const isOfferedElsewhere = async ({ redis }: Settings, capability: string): Promise<boolean> => {
  if (redis.kind === 'off') return false;
  const [{ openWriter }, { createKeys, parseKeyPart }, { tryDiscover }] = await Promise.all([
    import('../../redis/link.ts'),
    import('../../redis/keys.ts'),
    import('../../ipc/registry/registry.ts'),
  ]);
  await using link = await openWriter(redis);
  await link.untilKnown(CONNECT_MS);
  const outcome = await tryDiscover({ link, keys: createKeys(redis.prefix) }, parseKeyPart(capability));
  return outcome.kind !== 'done' || outcome.value.some(({ kind }) => kind === 'worker');
};

/** What keeps the job waiting; `undefined`: a worker takes it, as far as is known. */
const whyItWaits = async ({ home, settings }: Place, capability: string): Promise<string | undefined> => {
  const { readWorkers } = await import('../../swarm/worker/worker-record.ts');
  const queue = settings.redis.kind === 'off' ? 'files' : 'redis';
  const able = readWorkers(home.runDir).filter(
    ({ capabilities, state }) => state !== 'draining' && capabilities.includes(capability),
  );
  const here = able.filter((worker) => worker.queue === queue);
  if (here.some(({ state }) => state === 'working')) return undefined;
  if (await isOfferedElsewhere(settings, capability)) {
    const why = here.find((worker) => worker.why !== null)?.why;
    return why === undefined || why === null ? undefined : cell(why);
  }
  if (queue === 'files' && able.length > 0) {
    return 'the workers of this home take from Redis, which does not run; start it: nika up --redis';
  }
  const flag = capability === DEFAULT_CAPABILITY ? '' : ` --capability ${capability}`;
  return `no worker offers ${capability} now; start one: nika worker start -d${flag}`;
};

/** On standard error: standard output has the id alone. */
export const tellWhoTakes = async (
  place: Place,
  capability: string,
  terminal: Terminal,
  what = 'the job waits',
): Promise<void> => {
  const why = await whyItWaits(place, capability);
  if (why !== undefined) terminal.warn(`${terminal.paint('yellow', 'nika:')} ${what}: ${why}`);
};
