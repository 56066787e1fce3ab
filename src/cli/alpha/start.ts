/** Owns what `nika alpha start` does and says. */
import { ensureHome, resolveHome } from '../../config/home.ts';
import { loadSettings } from '../../config/settings.ts';
import type { AlphaRecord } from '../../swarm/alpha/alpha-record.ts';
import { interruption } from '../ending.ts';
import type { Terminal } from '../terminal.ts';
import type { AlphaStartFlags } from './alpha-commands.ts';
import { alphaSentence } from './alpha-view.ts';

const jsonOf = ({ entity, session, process: { pid }, log }: AlphaRecord): string =>
  `${JSON.stringify({ alpha: entity, session, pid, log })}\n`;

/** @throws {NikaError} what is wrong with home or settings, `NIKA_ALPHA_NOT_STARTED` */
export const startAlphaCommand = async (flags: AlphaStartFlags, terminal: Terminal): Promise<void> => {
  const { env, cwd, print, warn } = terminal;
  const home = resolveHome({ flag: flags.home, env, cwd });
  const settings = loadSettings(home, env); // a mistake is told here, at once
  ensureHome(home);
  if (flags.detach === true) {
    const { startAlpha } = await import('../../swarm/alpha/start-alpha.ts');
    const record = await startAlpha(home, env, interruption());
    if (flags.json === true) return print(jsonOf(record));
    print(`${record.entity}\n`);
    warn(
      `Alpha runs in the background, pid ${record.process.pid}; see "nika alpha status", end it with "nika alpha stop".`,
    );
    return;
  }
  const { runAlpha } = await import('../../swarm/alpha/run-alpha.ts');
  let said = '';
  const onRecord = (record: AlphaRecord): void => {
    const sentence = flags.json === true ? JSON.stringify(record) : alphaSentence(record);
    if (sentence !== said) print(`${sentence}\n`);
    said = sentence;
  };
  const ended = interruption();
  await runAlpha({ home, settings, env, onRecord }, ended);
  if (process.exitCode === 143) process.exitCode = 0; // SIGTERM is how it is ended
  process.exit(); // a Redis that hangs holds nobody
};
