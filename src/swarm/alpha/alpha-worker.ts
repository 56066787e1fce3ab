/** Runs the Alpha of a home in the background: `node alpha-worker.js <home>`. */
import { resolveHome } from '../../config/home.ts';
import { loadSettings } from '../../config/settings.ts';
import { runAlpha } from './run-alpha.ts';

const [, , dir] = process.argv;
const ended = new AbortController();
for (const name of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(name, () => ended.abort());
const home = resolveHome({ flag: dir, env: process.env, cwd: '/' });
await runAlpha({ home, settings: loadSettings(home, process.env), env: process.env }, ended.signal);
process.exit();
