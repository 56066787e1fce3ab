/**
 * Writes transitions as pods do, on the bus and to Redis: entities that are created, started and completed, one line each
 * `pause` milliseconds, until SIGTERM. Arguments: home, prefix of the ids, pause.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { resolveHome } from '../../src/config/home.ts';
import { loadSettings } from '../../src/config/settings.ts';
import { parseEntityId } from '../../src/model/id.ts';
import { SwarmSession } from '../../src/swarm/session/swarm-session.ts';

const [, , dir = '', prefix = 'a', pause = '20'] = process.argv;
const home = resolveHome({ flag: dir, env: process.env, cwd: '/' });
const settings = loadSettings(home, process.env);
const swarm = SwarmSession.open({ home, settings, env: process.env, kind: 'command', job: 'transitions' });
const ending = new AbortController();
process.on('SIGTERM', () => ending.abort());
for (let nth = 0; !ending.signal.aborted; nth += 1) {
  const id = parseEntityId(`JOB-${prefix}-${nth}`);
  const entity = swarm.entity(id, undefined, { job: 'told', domain: 'test', intent: 'prove', root_id: id });
  entity.transition('created', 'entity_created', { name: 'told' });
  await delay(Number(pause));
  entity.transition('in_progress', 'entity_started', {});
  await delay(Number(pause));
  entity.transition('completed', 'job_completed', { result: nth });
}
await swarm.close();
process.exit();
