/** Owns the commands about signals between pods. */
import { type Command, Option } from 'commander';
import type { Terminal } from '../terminal.ts';
import type { SendFlags } from './signal-send.ts';
import type { TailFlags } from './signal-tail.ts';

const HOME_FLAG = ['--home <dir>', 'the home: config/, _bus/, logs/, run/'] as const;
const JOB = 'id of a JOB; of this home also a unique prefix, the name of a job that runs, or @last';

export const addSignalCommands = (program: Command, terminal: Terminal): void => {
  const signal = program.command('signal').description('signals between pods: send one, ask, follow');
  signal
    .command('send')
    .description('Sends a signal to a pod; with --request waits for its answer and prints it.')
    .argument('<job>', JOB)
    .argument('<name>', 'what it is about, in your words')
    .option('--body <json>', 'any JSON of at most 32 KiB; "-" reads it from standard input, as JSON or as text')
    .addOption(new Option('--kind <kind>', 'what it is').choices(['signal', 'result', 'error']).default('signal'))
    .option('--request', 'asks: the answer is printed')
    .option('--deadline <duration>', 'how long the answer is waited for, such as 5s; default 30s')
    .option(...HOME_FLAG)
    .option('--json', 'one JSON object; of a request what was answered')
    .addHelpText(
      'after',
      `
Inside a pod it is sent in the name of that pod. Exit codes of a request: 1 refused, or nobody to ask; 3 no answer in time.

Examples:
  $ nika signal send k3f9 flush-cache
  $ nika signal send JOB-20261120-k3f9xq2m plan --body '{"steps": 3}'
  $ nika signal send builder status --request --deadline 5s
  $ git diff --stat | nika signal send reviewer diff --body -`,
    )
    .action(async (job: string, name: string, flags: SendFlags) => {
      const { sendSignal } = await import('./signal-send.ts');
      await sendSignal(job, name, flags, terminal);
    });
  signal
    .command('tail')
    .description('Shows what went to a pod, the newest last; takes nothing from it.')
    .argument('<job>', JOB)
    .option('-f, --follow', 'go on with those that come')
    .option('-n, --lines <count>', 'how many of those that are there', '20')
    .option('--since <time>', 'not before: 30s, 15m, 2h ago, 2026-04-12T10:30 (UTC)')
    .option(...HOME_FLAG)
    .option('--json', 'one JSON object per line')
    .addHelpText(
      'after',
      `
Without Redis, or while it is away, it shows the copies on the bus of this home, redacted, and says "local only".

Examples:
  $ nika signal tail k3f9
  $ nika signal tail @last -f --json | jq .body`,
    )
    .action(async (job: string, flags: TailFlags) => {
      const { tailSignals } = await import('./signal-tail.ts');
      await tailSignals(job, flags, terminal);
    });
};
