/** Owns `nika costs`: what agents used and what it cost, by job, model, day … */
import { type Command, Option } from 'commander';
import { COST_KEYS, type CostKey } from '../bus/query/cost-keys.ts';
import type { Costs, LivingPod } from '../bus/query/costs.ts';
import { NikaError } from '../model/error.ts';
import type { OpenedBus } from './bus/open-bus.ts';
import type { Terminal } from './terminal.ts';

interface CostsFlags {
  readonly today?: true;
  readonly since?: string;
  readonly until?: string;
  readonly by: CostKey;
  readonly json?: true;
  readonly home?: string;
}

interface Span {
  readonly sinceTs: string;
  /** `undefined`: until now, and on. */
  readonly untilTs: string | undefined;
}

/** @throws {NikaError} `NIKA_CLI_USAGE` */
const spanOf = async ({ today, since, until }: CostsFlags): Promise<Span> => {
  if (today === true && since !== undefined)
    throw new NikaError('NIKA_CLI_USAGE', '--today and --since exclude each other');
  const from = since ?? new Date().toISOString().slice(0, 10);
  const { parseQuery } = await import('./bus/bus-query.ts');
  const query = await parseQuery({ since: from, ...(until === undefined ? {} : { until }) }, []);
  return { sinceTs: query.sinceTs ?? '', untilTs: query.untilTs };
};

/** Pods that have not ended, as far as they belong to the time. */
const livingPods = async (runDir: string, { untilTs }: Span): Promise<readonly LivingPod[]> => {
  if (untilTs !== undefined && untilTs < new Date().toISOString()) return [];
  const { readRecords } = await import('../pod/registry/record-file.ts');
  return readRecords(runDir)
    .filter(({ end }) => end === null)
    .map(({ session, entity, job, domain, agent, beat }) => ({
      session,
      entity,
      job,
      domain,
      agent: agent?.kind,
      calls: beat.calls,
    }));
};

const END_OF_TIME = '9999-12-31T23:59:59.999Z';

const read = async (bus: OpenedBus, span: Span, by: CostKey, terminal: Terminal): Promise<Costs> => {
  const [{ readCosts }, { loadSettings }, { createPriceOf }, { startProgress }, { closedPipe }] = await Promise.all([
    import('../bus/query/costs.ts'),
    import('../config/settings.ts'),
    import('../config/prices/price-of.ts'),
    import('./progress.ts'),
    import('./ending.ts'),
  ]);
  const { prices } = loadSettings(bus.home, terminal.env);
  using progress = startProgress(terminal, 'reading');
  return await readCosts({
    busDir: bus.busDir,
    by,
    sinceTs: span.sinceTs,
    untilTs: span.untilTs ?? END_OF_TIME,
    priceOf: createPriceOf(prices),
    living: await livingPods(bus.home.runDir, span),
    signal: closedPipe(terminal),
    onRead: (readBytes, totalBytes) => progress.onProgress({ readBytes, totalBytes }),
  });
};

const costs = async (flags: CostsFlags, terminal: Terminal): Promise<void> => {
  const span = await spanOf(flags);
  const [{ openBus, nothingYet }, { keepMemorySmall }] = await Promise.all([
    import('./bus/open-bus.ts'),
    import('./bus/small-memory.ts'),
  ]);
  const bus = openBus(flags.home, terminal);
  if (bus.isEmpty) terminal.warn(`${nothingYet(bus)}.`);
  keepMemorySmall();
  const told: Costs = bus.isEmpty
    ? (await import('../bus/query/costs.ts')).NO_COSTS
    : await read(bus, span, flags.by, terminal);
  const { costsJson, costsText } = await import('./costs-view.ts');
  const asked = { by: flags.by, ...span };
  terminal.print(flags.json === true ? costsJson(told, asked) : costsText(told, asked, terminal));
};

export const addCostsCommand = (program: Command, terminal: Terminal): void => {
  program
    .command('costs')
    .description('Shows what agents used of models and what it cost, of pods that run, ended or died. Default: today.')
    .option('--today', 'since 00:00 UTC (default)')
    .option('--since <time>', 'not before: 30s, 15m, 2h, 3d, 2w ago, 2026-04, 2026-04-12, 2026-04-12T10:30 (UTC)')
    .option('--until <time>', 'not after; a day, month or year is all of it')
    .addOption(new Option('--by <what>', 'what is added up').choices(COST_KEYS).default('job'))
    .option('--json', 'one JSON object: groups and total, all counts, dollars not rounded')
    .option('--home <dir>', 'the home: config/, _bus/, logs/, run/')
    .addHelpText(
      'after',
      `
IN are tokens that went in without a cache, or into it; CACHED came from one. CALLS are tool calls of the sessions that
ended in that time, or run.

~ before a cost: part of it is made from the price table now, since no agent told it (yet). ≥: some tokens have no price;
below the table it says which. Prices are set under "prices" in config/nika.yaml.

Examples:
  $ nika costs
  $ nika costs --since 7d --by model
  $ nika costs --since 2026-04 --until 2026-04 --by project
  $ nika costs --since 30d --by day --json | jq '.groups[] | [.key, .cost_usd]'`,
    )
    .action((flags: CostsFlags) => costs(flags, terminal));
};
