/** Owns what `nika alpha status` and `nika alpha stop` do and say. */
import { resolveHome } from '../../config/home.ts';
import { readAlphaRecords } from '../../swarm/alpha/alpha-record.ts';
import { asCalled } from '../hint/called-as.ts';
import type { Terminal } from '../terminal.ts';
import type { AlphaFlags } from './alpha-commands.ts';
import { alphaTable } from './alpha-view.ts';

const EXIT_NONE = 1;

/** @throws {NikaError} what is wrong with the home */
export const showAlphas = (flags: AlphaFlags, terminal: Terminal): void => {
  const { env, cwd, print, warn } = terminal;
  const home = resolveHome({ flag: flags.home, env, cwd });
  const records = readAlphaRecords(home.runDir);
  if (records.length === 0) process.exitCode = EXIT_NONE;
  if (flags.json === true) return print(`${JSON.stringify(records)}\n`);
  if (records.length === 0) warn(asCalled(terminal, `no Alpha runs in ${home.dir}; start one: nika alpha start -d`));
  print(records.map((record) => alphaTable(record, terminal)).join('\n'));
};

/** @throws {NikaError} what is wrong with the home */
export const stopAlphas = async (flags: AlphaFlags, terminal: Terminal): Promise<void> => {
  const { env, cwd, print, warn } = terminal;
  const home = resolveHome({ flag: flags.home, env, cwd });
  const records = readAlphaRecords(home.runDir);
  const { endAlphas } = await import('../../swarm/alpha/start-alpha.ts');
  const living = await endAlphas(home, records);
  const ended = records.filter(
    (record) => !living.includes(record) && !living.some(({ session }) => session === record.session),
  );
  if (living.length > 0) process.exitCode = EXIT_NONE;
  if (flags.json === true) {
    print(
      `${JSON.stringify({ ended: ended.map(({ entity }) => entity), living: living.map(({ entity }) => entity) })}\n`,
    );
    return;
  }
  if (records.length === 0) warn(`no Alpha runs in ${home.dir}`);
  for (const { entity } of ended) print(`${entity}\n`);
  for (const { entity, process: by } of living) warn(`${entity} did not end within 5 s: pid ${by.pid} on ${by.host}`);
};
