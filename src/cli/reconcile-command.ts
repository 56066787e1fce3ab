/** Owns `nika reconcile`. */
import type { Command } from 'commander';
import type { HomeReconciled } from '../pod/reconcile/reconcile-home.ts';
import type { ReconcileCounts } from '../recorder/reconcile/reconcile.ts';
import { interruption } from './ending.ts';
import { formatDuration, printable } from './format.ts';
import { asCalled } from './hint/called-as.ts';
import type { Terminal } from './terminal.ts';

interface ReconcileFlags {
  readonly full?: true;
  readonly json?: true;
  readonly home?: string;
}

const EXIT_FAILED = 1;
const EXIT_INTERRUPTED = 130;
const PATIENCE_MS = 1_000;
const REDRAW_MS = 200;

const events = (count: number): string => `${count.toLocaleString('en-US')} ${count === 1 ? 'event' : 'events'}`;

const sentenceOf = (reconciled: HomeReconciled, { paint }: Terminal): string => {
  switch (reconciled.kind) {
    case 'off':
      return 'No Redis is configured (redis.url, NIKA_REDIS_URL), and "nika up" runs none for this home: there is nothing to make whole.';
    case 'busy':
      return 'Another reconcile of this home is at it.';
    case 'unreachable':
      return `${paint('red', '✗')} Redis cannot be reached: ${printable(reconciled.why)}`;
    case 'interrupted': {
      const { why, publishedCount } = reconciled;
      return `${paint('red', '✗')} interrupted after ${events(publishedCount)} published: ${printable(why)}; what is missing still is for the next one`;
    }
    case 'done': {
      const { publishedCount, comparedCount, leftToLiveCount, durationMs, isFull } = reconciled;
      const left = leftToLiveCount === 0 ? '' : `, ${events(leftToLiveCount)} left to pods that live`;
      const span = isFull ? ' (all of the last 24 hours)' : '';
      const took = formatDuration(durationMs);
      return `${paint('green', '✓')} ${events(publishedCount)} published, ${comparedCount.toLocaleString('en-US')} compared${span}${left}, in ${took}`;
    }
  }
};

const jsonOf = (reconciled: HomeReconciled): Readonly<Record<string, unknown>> => {
  const { kind } = reconciled;
  if (kind === 'off' || kind === 'busy') return { kind };
  if (kind === 'unreachable') return { kind, why: reconciled.why };
  const { publishedCount: published, comparedCount: compared, leftToLiveCount: left_to_live } = reconciled;
  const counts = { published, compared, left_to_live };
  return kind === 'interrupted'
    ? { kind, why: reconciled.why, ...counts }
    : { kind, full: reconciled.isFull, ...counts, duration_ms: reconciled.durationMs };
};

/** One line at the bottom, for a person who waits longer than a second. */
const startCounter = ({ stderr, isInteractive, paint }: Terminal) => {
  const isShown = isInteractive && stderr.isTTY;
  let drawnAtMs = performance.now() + PATIENCE_MS - REDRAW_MS;
  return {
    onProgress: ({ comparedCount, publishedCount }: ReconcileCounts): void => {
      const nowMs = performance.now();
      if (!isShown || nowMs - drawnAtMs < REDRAW_MS) return;
      drawnAtMs = nowMs;
      const counts = `${events(comparedCount)} compared, ${publishedCount.toLocaleString('en-US')} published`;
      stderr.write(`\r\u001B[K${paint('dim', counts)}`);
    },
    clear: (): void => {
      if (isShown) stderr.write('\r\u001B[K');
    },
  };
};

const run = async (flags: ReconcileFlags, terminal: Terminal): Promise<void> => {
  const [{ resolveHome }, { loadSettings }, { reconcileHome }] = await Promise.all([
    import('../config/home.ts'),
    import('../config/settings.ts'),
    import('../pod/reconcile/reconcile-home.ts'),
  ]);
  const home = resolveHome({ flag: flags.home, env: terminal.env, cwd: terminal.cwd });
  const settings = loadSettings(home, terminal.env);
  const { onProgress, clear } = startCounter(terminal);
  const options = { home, settings, isFull: flags.full === true, onProgress };
  const signal = interruption();
  const reconciled = await reconcileHome(options, signal);
  clear();
  if (reconciled.kind === 'unreachable' || reconciled.kind === 'interrupted') process.exitCode = EXIT_FAILED;
  if (reconciled.kind === 'interrupted' && signal.aborted) process.exitCode = EXIT_INTERRUPTED;
  if (reconciled.kind === 'done') process.exitCode = 0; // Ctrl-C came too late to matter
  if (flags.json === true) terminal.print(`${JSON.stringify(jsonOf(reconciled))}\n`);
  else if (process.exitCode !== 0 && process.exitCode !== undefined)
    terminal.warn(asCalled(terminal, sentenceOf(reconciled, terminal)));
  else terminal.print(asCalled(terminal, `${sentenceOf(reconciled, terminal)}\n`));
};

export const addReconcileCommand = (program: Command, terminal: Terminal): void => {
  program
    .command('reconcile')
    .description('Makes the feed in Redis whole from the bus: what pods could not tell while Redis was away.')
    .option('--full', 'compare all of the last 24 hours, not only what is new since the last time')
    .option('--json', 'one object: kind, full, published, compared, left_to_live, duration_ms, why')
    .option('--home <dir>', 'the home: config/, _bus/, logs/, run/')
    .addHelpText(
      'after',
      `
Each event of the last 24 hours that is on the bus and not on nika:feed:entities is published there with its own id and
time, in its order. It may be run at any time, and twice; pods run it themselves when they find Redis, or find it back.
What belongs to a pod that lives is left to that pod.

Exit codes: 0 done, nothing to do, or another one is at it; 1 Redis could not be reached, refused, went away meanwhile,
or is that of "nika up" and died; 130 Ctrl-C: what was published stays, the next one does the rest.

Examples:
  $ nika reconcile
  $ nika reconcile --full --json | jq .published`,
    )
    .action(async (flags: ReconcileFlags) => run(flags, terminal));
};
