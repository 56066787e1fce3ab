/**
 * Sees to the programs that the tests run for real and npm does not bring: found on the PATH, else installed by the
 * system's package manager where that is allowed, else named in one sentence, and the tests do not start.
 */
import { spawnSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

/** Program → Debian package. */
const NEEDED: Readonly<Record<string, string>> = {
  git: 'git',
  'redis-server': 'redis-server',
  zgrep: 'gzip',
};

const isOnPath = (program: string): boolean =>
  (process.env['PATH'] ?? '').split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });

const missing = (): readonly string[] => Object.keys(NEEDED).filter((program) => !isOnPath(program));

const install = (packages: readonly string[]): void => {
  const options = { stdio: 'inherit', env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } } as const;
  spawnSync('apt-get', ['update', '-qq'], options);
  spawnSync('apt-get', ['install', '-y', '-qq', '--no-install-recommends', ...packages], options);
};

const wanted = missing().map((program) => NEEDED[program] ?? program);
if (wanted.length > 0 && process.getuid?.() === 0 && isOnPath('apt-get')) {
  console.log(`installing what the tests need: ${wanted.join(', ')}`);
  install(wanted);
}
const still = missing();
if (still.length > 0) {
  const packages = still.map((program) => NEEDED[program] ?? program).join(' ');
  console.error(
    `The tests need ${still.join(' and ')} on the PATH: install them, on Debian with "sudo apt-get install ${packages}".`,
  );
  process.exitCode = 1;
}
