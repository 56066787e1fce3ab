/** Owns which bus a command reads, and what is said where nothing has run in its home yet: the same by every command. */
import { existsSync, readdirSync } from 'node:fs';
import { channelsDir } from '../../bus/layout.ts';
import { type Home, resolveHome } from '../../config/home.ts';
import { NikaError } from '../../model/error.ts';
import type { Terminal } from '../terminal.ts';

export interface OpenedBus {
  readonly home: Home;
  readonly busDir: string;
  /** No line was ever written, or all files are gone. */
  readonly isEmpty: boolean;
}

const holdsLines = (dir: string): boolean =>
  existsSync(dir) && readdirSync(dir).some((name) => /\.jsonl(?:\.gz)?$/.test(name));

const isEmptyBus = (busDir: string): boolean => {
  try {
    return !holdsLines(busDir) && !holdsLines(channelsDir(busDir));
  } catch {
    return false; // it cannot be read: whoever reads it says so
  }
};

/**
 * The bus of a home. A home that was named must be there: of one that was misspelt nobody wants to hear that it is well.
 * @throws {NikaError} `NIKA_CONFIG_NO_HOME`
 */
export const openBus = (flag: string | undefined, { env, cwd }: Terminal): OpenedBus => {
  const home = resolveHome({ flag, env, cwd });
  const isNamed = home.source === 'flag' || home.source === 'env';
  if (isNamed && !existsSync(home.dir)) {
    throw new NikaError('NIKA_CONFIG_NO_HOME', `there is no folder ${home.dir}`, {
      subject: home.dir,
      remedy: `Name a home that is there${home.source === 'env' ? ' in NIKA_HOME' : ''}; "nika init" makes one.`,
    });
  }
  return { home, busDir: home.busDir, isEmpty: isEmptyBus(home.busDir) };
};

/** What every command says where there is nothing to show. */
export const nothingYet = ({ home }: OpenedBus): string => `Nothing has run in ${home.dir} yet`;
