/** Owns `nika bus verify` and `nika bus heads` (G8). */
import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { errorMessage, NikaError } from '../../model/error.ts';
import type { Terminal } from '../terminal.ts';
import { keepMemorySmall } from './small-memory.ts';

interface VerifyCommandOptions {
  readonly against?: string;
  readonly home?: string;
  readonly json?: true;
}

const openHome = async (flag: string | undefined, { env, cwd }: Terminal) => {
  const { resolveHome } = await import('../../config/home.ts');
  return resolveHome({ flag, env, cwd });
};

const readAgainst = (path: string): string => {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw new NikaError('NIKA_CLI_USAGE', `${path} cannot be read: ${errorMessage(cause)}`, { subject: path, cause });
  }
};

const verify = async ({ against, home: flag, json }: VerifyCommandOptions, terminal: Terminal): Promise<void> => {
  const [{ loadSettings }, { createChain }, { verifyBus }, { parseHeads }, { showReport }, { startProgress }] =
    await Promise.all([
      import('../../config/settings.ts'),
      import('../../bus/chain.ts'),
      import('../../bus/read/verify.ts'),
      import('../../bus/read/heads.ts'),
      import('./bus-verify-view.ts'),
      import('../progress.ts'),
    ]);
  keepMemorySmall();
  const home = await openHome(flag, terminal);
  const { keyFile } = loadSettings(home, terminal.env).bus;
  const heads = against === undefined ? [] : parseHeads(readAgainst(against), against);
  const chain = createChain(keyFile);
  const startedAtMs = performance.now();
  using progress = startProgress(terminal, 'verifying');
  const report = await verifyBus({ busDir: home.busDir, chain, against: heads, onProgress: progress.onProgress });
  progress.clear();
  const tookMs = performance.now() - startedAtMs;
  if (json) terminal.print(`${JSON.stringify({ bus: home.busDir, ...report, duration_ms: Math.round(tookMs) })}\n`);
  else showReport(terminal, report, { busDir: home.busDir, keyed: chain.keyed, tookMs });
  process.exitCode = report.tampering > 0 || report.unchecked > 0 ? 1 : 0;
};

const heads = async (
  { home: flag, json }: Omit<VerifyCommandOptions, 'against'>,
  terminal: Terminal,
): Promise<void> => {
  const { readHeads } = await import('../../bus/read/heads.ts');
  const home = await openHome(flag, terminal);
  for (const head of await readHeads(home.busDir)) {
    const { file, writer, seq, h } = head;
    terminal.print(json ? `${JSON.stringify(head)}\n` : `${h}  ${writer}  ${String(seq).padStart(7)}  ${file}\n`);
  }
};

/** Adds `verify` and `heads` to the command `nika bus`. */
export const addBusVerifyCommands = (bus: Command, terminal: Terminal): void => {
  bus
    .command('verify')
    .description('Proves that no line of the bus was changed, removed, inserted, moved or put in another order.')
    .option('--against <file>', 'heads that were kept elsewhere (nika bus heads --json): their lines must be there')
    .option('--home <dir>', 'the home: config/, _bus/, logs/, run/')
    .option('--json', 'the report as one JSON object')
    .addHelpText(
      'after',
      `
Torn lines, as a killed pod or a full disk leaves them, are warnings. Whoever can rewrite the files can compute an
unkeyed chain anew: that shows against heads kept elsewhere (--against), or where bus.keyFile is set.

Exit codes: 0 nothing was tampered with (there may be warnings), 1 tampering, or not all could be checked, 2 usage or
configuration.

Examples:
  $ nika bus verify
  $ nika bus verify --against /mnt/safe/heads.jsonl
  $ nika bus verify --json | jq '.findings[] | select(.severity == "tampering")'`,
    )
    .action((options: VerifyCommandOptions) => verify(options, terminal));
  bus
    .command('heads')
    .description('Prints the last hash of every writer in every file: keep them elsewhere, and verify against them.')
    .option('--home <dir>', 'the home: config/, _bus/, logs/, run/')
    .option('--json', 'one JSON object per line, as verify --against reads them')
    .addHelpText(
      'after',
      `
Examples:
  $ nika bus heads
  $ nika bus heads --json > /mnt/safe/heads.jsonl`,
    )
    .action((options: Omit<VerifyCommandOptions, 'against'>) => heads(options, terminal));
};
