/** Owns `nika alpha digest`. */
import { type Command, Option } from 'commander';
import type { Digest } from '../../swarm/digest/write-digest.ts';
import { interruption } from '../ending.ts';
import { parseMaxTokens } from '../max-tokens.ts';
import { startProgress } from '../progress.ts';
import type { Terminal } from '../terminal.ts';

interface DigestOptions {
  readonly maxTokens: string;
  readonly since?: string;
  readonly cursor?: string;
  readonly json?: true;
  readonly home?: string;
}

const DEFAULT_TOKENS = '800';

const digestJson = ({ text: _text, foldedCount, ...digest }: Digest): string =>
  `${JSON.stringify({ v: 1, ...digest, folded: foldedCount })}\n`;

const digest = async (options: DigestOptions, terminal: Terminal): Promise<void> => {
  const maxTokens = parseMaxTokens(options.maxTokens);
  const [{ openPodContext }, { digestHome }] = await Promise.all([
    import('../pod/pod-context.ts'),
    import('../../swarm/digest/digest.ts'),
  ]);
  const since = options.since === undefined ? {} : { since: await sinceTs(options.since) };
  const { home, settings } = await openPodContext(options.home, terminal);
  using progress = startProgress(terminal, 'reading the alpha bus');
  const told = await digestHome({
    home,
    settings,
    maxTokens,
    ...since,
    ...(options.cursor === undefined ? {} : { cursor: options.cursor }),
    manner: 'cli',
    signal: interruption(),
    onRead: (readBytes, totalBytes) => progress.onProgress({ readBytes, totalBytes }),
  });
  progress.clear();
  terminal.print(options.json === true ? digestJson(told) : told.text);
};

const sinceTs = async (text: string): Promise<string> => {
  const [{ parseTime }, { toTs }] = await Promise.all([
    import('../bus/bus-query.ts'),
    import('../../bus/query/time-span.ts'),
  ]);
  return toTs(parseTime('--since', text).fromMs);
};

export const addDigestCommand = (alpha: Command, terminal: Terminal): void => {
  alpha
    .command('digest')
    .description('Tells what one must know of the swarm now, in so many tokens at most: for an LLM that follows it.')
    .option('--max-tokens <count>', 'at most so many tokens (o200k_base), from 200 on', DEFAULT_TOKENS)
    .option('--since <time>', 'of what ended: only since then: 2h, 30d, 2026-04-12T10:30 (default: 24h)')
    .addOption(new Option('--cursor <cursor>', 'only what is new since the digest that gave it').conflicts('since'))
    .option('--json', 'one object: the same selection as data, with tokens, cursor and what was left out')
    .option('--home <dir>', 'the home: config/, _bus/, logs/, run/')
    .addHelpText(
      'after',
      `
The most important first: what failed and why, what waits for a person or a review, what is stale or lost, what runs,
what has not started, what completed. What there is no room for is told as a count by job. It needs no Alpha that runs,
and no Redis; where Redis answers at once, pods of other hosts are told of too.

What completed and failed children of a job is told with that job. --cursor: each digest ends with one; the next digest
then tells only what has changed since. It holds across restarts.

Examples:
  $ nika alpha digest
  $ nika alpha digest --max-tokens 2000 --since 3d
  $ nika alpha digest --cursor d1-a6c2-3f09b1c2d4-1k2j-mf3k2a9q
  $ nika alpha digest --json | jq -r '.items[] | select(.section == "failed") | .id'`,
    )
    .action((options: DigestOptions) => digest(options, terminal));
};
