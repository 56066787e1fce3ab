/** Owns `nika bus verify` and `nika bus heads` (G8). */
import { existsSync, readFileSync } from 'node:fs';
import type { Command } from 'commander';
import type { Finding, VerifyReport } from '../../bus/read/verify.ts';
import type { Head } from '../../model/message.ts';
import { errnoOf, errorMessage, NikaError } from '../../model/error.ts';
import type { Terminal } from '../terminal.ts';
import { keepMemorySmall } from './small-memory.ts';

interface VerifyCommandOptions {
  readonly against?: string;
  readonly home?: string;
  readonly json?: true;
}

/** Of a bus that is not there at all: nothing to prove, unless heads tell that there was something. */
const reportOfNothing = (heads: readonly Head[]): VerifyReport => {
  const findings = heads.map(({ file, writer, seq }): Finding => {
    const message = `its ${seq} ${seq === 1 ? 'line is' : 'lines are'} missing, and so is the whole bus`;
    return { severity: 'tampering', kind: 'removed', file, line: 0, writer, message };
  });
  const counts = { files: 0, lines: 0, fitting: 0, redacted: 0, bytes: 0, blobs: 0, writers: 0, unsealed: 0 };
  const nothing = { sessionless: 0, redactions: [], warnings: 0, unchecked: 0 };
  return { ...counts, ...nothing, tampering: findings.length, findings };
};

const readAgainst = (path: string): string => {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    const why = errnoOf(cause) === 'ENOENT' ? 'it is not there' : errorMessage(cause);
    const remedy = 'Give the file of heads that you keep elsewhere; "nika bus heads --json > FILE" makes one.';
    throw new NikaError('NIKA_CLI_USAGE', `${path} cannot be read: ${why}`, { subject: path, remedy, cause });
  }
};

const verify = async ({ against, home: flag, json }: VerifyCommandOptions, terminal: Terminal): Promise<void> => {
  const [
    { openBus, nothingYet },
    { loadSettings },
    { createChain },
    { verifyBus },
    { parseHeads },
    view,
    { startProgress },
  ] = await Promise.all([
    import('./open-bus.ts'),
    import('../../config/settings.ts'),
    import('../../bus/chain.ts'),
    import('../../bus/read/verify.ts'),
    import('../../bus/read/heads.ts'),
    import('./bus-verify-view.ts'),
    import('../progress.ts'),
  ]);
  keepMemorySmall();
  const bus = openBus(flag, terminal);
  const { home, busDir } = bus;
  const { keyFile } = loadSettings(home, terminal.env).bus;
  const heads = against === undefined ? [] : parseHeads(readAgainst(against), against);
  const chain = createChain(keyFile);
  const startedAtMs = performance.now();
  using progress = startProgress(terminal, 'verifying');
  const { onProgress } = progress;
  const report = existsSync(busDir)
    ? await verifyBus({ busDir, chain, against: heads, onProgress })
    : reportOfNothing(heads);
  progress.clear();
  const tookMs = performance.now() - startedAtMs;
  const isNothing = report.lines === 0 && report.findings.length === 0;
  if (json) terminal.print(`${JSON.stringify({ bus: busDir, ...report, duration_ms: Math.round(tookMs) })}\n`);
  else if (isNothing) terminal.print(`${nothingYet(bus)}: there is nothing to verify.\n`);
  else view.showReport(terminal, report, { busDir, keyed: chain.keyed, tookMs });
  process.exitCode = report.tampering > 0 || report.unchecked > 0 ? 1 : 0;
};

const heads = async (
  { home: flag, json }: Omit<VerifyCommandOptions, 'against'>,
  terminal: Terminal,
): Promise<void> => {
  const [{ openBus, nothingYet }, { readHeads }] = await Promise.all([
    import('./open-bus.ts'),
    import('../../bus/read/heads.ts'),
  ]);
  const bus = openBus(flag, terminal);
  if (bus.isEmpty) {
    terminal.warn(`${nothingYet(bus)}.`);
    return;
  }
  for (const head of await readHeads(bus.busDir)) {
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
