/** Owns `nika notify test`: whether the ways to notify work, tried for real. */
import { Option, type Command } from 'commander';
import { hostname } from 'node:os';
import type { NotifyWay } from '../config/notify/notify-settings.ts';
import { NOTICE_KINDS, type Notice, type NoticeKind } from '../model/notice.ts';
import type { SendOutcome } from '../notify/ways/outcome.ts';
import type { Terminal } from './terminal.ts';

interface TestFlags {
  readonly on?: NoticeKind;
  readonly json?: true;
  readonly home?: string;
}

interface Tried {
  readonly way: string;
  /** `undefined`: it does not tell of that. */
  readonly on: NoticeKind | undefined;
  readonly outcome: SendOutcome | undefined;
  readonly tookMs: number;
}

const ENDED = { calls: 12, errors: 0, tokens: 0, cost_usd: 0, error: null, result: null, duration_ms: 90_000 };

/** As it would be told, and marked: nothing happened. */
const sampleOf = (on: NoticeKind, home: string, cwd: string): Notice => {
  const at = new Date().toISOString();
  const names = { id: 'JOB-test', session: crypto.randomUUID(), job: 'test', domain: 'test', intent: 'test' };
  const failed = { ...ENDED, outcome: on === 'lost' ? 'lost' : on === 'budget' ? 'limit' : 'failed', exit_code: 1 };
  const fine = { ...ENDED, outcome: 'completed', exit_code: 0 };
  const asks = { ...ENDED, outcome: 'awaiting_review', exit_code: 4 };
  return {
    on,
    title: `nika: a test of "${on}"`,
    text: 'Sent by "nika notify test"; nothing happened.',
    at,
    is_test: true,
    pod: { ...names, attempt: 1, host: hostname(), home, cwd, started_at: at },
    waiting: on === 'waiting' ? { reason: 'permission', why: 'asks: shell make deploy', since: at, more: 0 } : null,
    end: on === 'waiting' ? null : on === 'finished' ? fine : on === 'review' ? asks : failed,
  };
};

const show = ({ way, on, outcome, tookMs }: Tried, { paint }: Terminal, columns: number): string => {
  const name = way.padEnd(columns);
  if (on === undefined || outcome === undefined) return `${paint('dim', '–')} ${name}  does not tell of that\n`;
  if (outcome.kind === 'sent') return `${paint('green', '✓')} ${name}  told of ${on} in ${Math.round(tookMs)} ms\n`;
  return `${paint('red', '✗')} ${name}  ${outcome.why}${outcome.kind === 'failed' ? '; it would be tried again' : ''}\n`;
};

const test = async (flags: TestFlags, terminal: Terminal): Promise<void> => {
  const [{ resolveHome }, { loadSettings }, { trySend }, { nameOf }, { NikaError }, { printable }] = await Promise.all([
    import('../config/home.ts'),
    import('../config/settings.ts'),
    import('../notify/try-send.ts'),
    import('../notify/way.ts'),
    import('../model/error.ts'),
    import('./format.ts'),
  ]);
  const home = resolveHome({ flag: flags.home, env: terminal.env, cwd: terminal.cwd });
  const ways = loadSettings(home, terminal.env).notify;
  if (ways.length === 0) throw new NikaError('NIKA_NOTIFY_NONE', 'no way to notify anybody is configured');
  const place = { env: terminal.env, dir: home.dir };
  const tryWay = async (way: NotifyWay): Promise<Tried> => {
    const on = flags.on === undefined ? way.on[0] : way.on.find((kind) => kind === flags.on);
    if (on === undefined) return { way: nameOf(way.target), on, outcome: undefined, tookMs: 0 };
    const startMs = performance.now();
    const call = { id: `msg_test_${crypto.randomUUID()}`, notice: sampleOf(on, home.dir, terminal.cwd) };
    const outcome = await trySend(way, call, place, new AbortController().signal);
    const told: SendOutcome = outcome.kind === 'sent' ? outcome : { ...outcome, why: printable(outcome.why) };
    return { way: printable(nameOf(way.target)), on, outcome: told, tookMs: performance.now() - startMs };
  };
  const tried = await Promise.all(ways.map(tryWay));
  const columns = Math.max(...tried.map(({ way }) => way.length));
  if (flags.json === true) {
    const told = tried.map(({ way, on = null, outcome }) => ({ way, on, ...(outcome ?? { kind: 'not told' }) }));
    terminal.print(`${JSON.stringify(told)}\n`);
  } else for (const one of tried) terminal.print(show(one, terminal, columns));
  const isGood = tried.every(({ outcome }) => outcome === undefined || outcome.kind === 'sent');
  process.exitCode = isGood && tried.some(({ outcome }) => outcome !== undefined) ? 0 : 1;
};

export const addNotifyCommand = (program: Command, terminal: Terminal): void => {
  const notify = program.command('notify').description('whether people are told of what pods do');
  notify
    .command('test')
    .description('Sends a notification by each way that config/nika.yaml names, and says what came of it.')
    .addOption(
      new Option('--on <what>', 'of this; default: of the first that each way tells').choices([...NOTICE_KINDS]),
    )
    .option('--json', 'one array of objects: way, on, kind (sent, failed, refused, not told), why')
    .option('--home <dir>', 'the home: config/, _bus/, logs/, run/')
    .addHelpText(
      'after',
      `
Each way is tried once, whatever its jobs, domains and times are; the notification says that it is a test ("is_test").
What waits to be sent, and what came of each way so far, is in "nika doctor".

Exit codes: 0 all were told, 1 one was not, 2 none is configured.

Examples:
  $ nika notify test
  $ nika notify test --on waiting`,
    )
    .action((flags: TestFlags) => test(flags, terminal));
};
