/**
 * Runs the tests with the real CLIs of agents, after installing these, in a network namespace that has loopback alone, so that
 * nothing they do leaves this machine. Where that is not allowed it says so, and runs without. Arguments are vitest's.
 */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');

const run = (argv: readonly string[], env: Readonly<Record<string, string>> = {}): number => {
  const [program = '', ...args] = argv;
  const { status, error } = spawnSync(program, args, {
    cwd: root,
    stdio: 'inherit',
    env: { ...process.env, ...env },
  });
  if (error !== undefined) console.error(`${program}: ${error.message}`);
  return status ?? 1;
};

/** `-r`: who is not root may have one in a user namespace of their own. */
const WAYS: readonly (readonly string[])[] = [
  ['unshare', '--net'],
  ['unshare', '--net', '--map-root-user'],
];
const LOOPBACK = 'ip link set lo up && exec "$@"';
const within = (way: readonly string[], argv: readonly string[]): readonly string[] => [
  ...way,
  'sh',
  '-c',
  LOOPBACK,
  'sh',
  ...argv,
];
const isAllowed = (way: readonly string[]): boolean => {
  const [program = '', ...args] = within(way, ['true']);
  return spawnSync(program, args, { stdio: 'ignore' }).status === 0;
};

const main = (): number => {
  const installed = run([process.execPath, join(root, 'scripts/install-agents.ts')]);
  if (installed !== 0) return installed;
  const vitest = [process.execPath, join(root, 'node_modules/vitest/vitest.mjs'), 'run', '--project', 'agents'];
  const tests = [...vitest, ...process.argv.slice(2)];
  const way = WAYS.find(isAllowed);
  if (way !== undefined) return run(within(way, tests));
  console.log('No network namespace may be made here: the agents run with the network of this machine.');
  return run(tests, { NIKA_TEST_AGENTS_NETWORK: 'open' });
};

process.exitCode = main();
