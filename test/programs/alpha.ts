/**
 * An Alpha with shorter times than the real one has. It writes each change that it handled into a file, one line each:
 * `<id> <event> <entity> <source>`. Arguments: home, that file, times as JSON.
 */
import { appendFileSync } from 'node:fs';
import { resolveHome } from '../../src/config/home.ts';
import { loadSettings } from '../../src/config/settings.ts';
import { Alpha } from '../../src/swarm/alpha/alpha.ts';
import { createDuties, DUTY_TIMES } from '../../src/swarm/alpha/duties.ts';
import type { ChangeListener } from '../../src/swarm/alpha/duty.ts';
import { ROLE_TIMES } from '../../src/swarm/alpha/role.ts';
import { loadReader } from '../../src/swarm/follow/load-reader.ts';

const [, , dir = '', told = '', times = '{}'] = process.argv;
const given = JSON.parse(times) as Record<string, number>;
const home = resolveHome({ flag: dir, env: process.env, cwd: '/' });
const tell: ChangeListener = {
  name: 'told',
  role: 'orchestrator',
  onChange: ({ change: { id, event, entity }, source }) => {
    appendFileSync(told, `${id} ${event} ${entity} ${source}\n`);
    return Promise.resolve();
  },
};
const duties = createDuties({ ...DUTY_TIMES, ...given });
const ended = new AbortController();
process.on('SIGTERM', () => ended.abort());
await Alpha.run(
  {
    home,
    settings: loadSettings(home, process.env),
    env: process.env,
    duties: { ...duties, listeners: [...duties.listeners, tell] },
    startReader: await loadReader(),
    times: { ...ROLE_TIMES, ...given },
  },
  ended.signal,
);
process.exit();
