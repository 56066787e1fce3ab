/**
 * Owns the folder outside of the repository in which the tests keep the agents' CLIs: one folder for each version, which is
 * there only when it is whole.
 */
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import type { AgentKind } from '../../../src/model/agent.ts';
import type { AgentCli } from './agent-cli.ts';
import { claude } from './claude.ts';
import { codex } from './codex.ts';
import { gemini } from './gemini.ts';
import { opencode } from './opencode.ts';

export const AGENT_CLIS: Readonly<Record<AgentKind, AgentCli>> = { 'claude-code': claude, codex, opencode, gemini };

const cacheDir = (): string => {
  const { NIKA_TEST_AGENTS_DIR: own, XDG_CACHE_HOME: caches } = process.env;
  if (own !== undefined && own !== '') return own;
  return join(caches !== undefined && caches !== '' ? caches : join(homedir(), '.cache'), 'nika/agents');
};

/** What is kept: an agent's CLI, or what brings another file. */
export interface CachedPackage extends Pick<AgentCli, 'package' | 'version' | 'installOptions'> {
  readonly kind: string;
  /** By which it is known to be whole, relative to its folder; default: its program. */
  readonly brings?: string;
  readonly program?: string;
}

export const folderOf = ({ kind, version }: CachedPackage): string => join(cacheDir(), `${kind}-${version}`);

/** The folder to put on the PATH. */
export const binDirOf = (cli: CachedPackage): string => join(folderOf(cli), 'node_modules/.bin');

const broughtBy = ({ brings, program = '' }: CachedPackage): string => brings ?? join('node_modules/.bin', program);

export const isInstalled = (cli: CachedPackage): boolean => existsSync(join(folderOf(cli), broughtBy(cli)));

const INSTALL_WITHIN_MS = 10 * 60_000;

/**
 * Beside its place, and renamed to it: two that install at once do not meet, and what was interrupted is not there.
 * @throws npm fails; what it printed is in the error
 */
export const installCli = async (cli: CachedPackage): Promise<'installed' | 'was there'> => {
  if (isInstalled(cli)) return 'was there';
  mkdirSync(cacheDir(), { recursive: true });
  const dir = mkdtempSync(join(cacheDir(), '.installing-'));
  try {
    writeFileSync(join(dir, 'package.json'), '{"private":true}\n'); // else npm looks for one further up
    const args = ['install', '--prefix', dir, '--save-exact', '--no-audit', '--no-fund', '--loglevel=error'];
    await promisify(execFile)('npm', [...args, ...cli.installOptions, `${cli.package}@${cli.version}`], {
      cwd: dir,
      // Their install scripts want a node of today, whichever one the system has.
      env: { ...process.env, PATH: `${dirname(process.execPath)}${delimiter}${process.env['PATH'] ?? ''}` },
      timeout: INSTALL_WITHIN_MS,
    });
    if (!existsSync(join(dir, broughtBy(cli)))) {
      throw new Error(`${cli.package}@${cli.version} brings no ${broughtBy(cli)}`);
    }
    try {
      renameSync(dir, folderOf(cli));
    } catch (thrown) {
      if (!isInstalled(cli)) throw thrown;
      return 'was there'; // meanwhile
    }
    return 'installed';
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
};
