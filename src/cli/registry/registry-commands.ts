/** Owns `nika registry`: who offers which capability. */
import type { Command } from 'commander';
import { NikaError } from '../../model/error.ts';
import type { Offer } from '../../ipc/registry/registry.ts';
import { formatDuration } from '../format.ts';
import { cell, renderTable } from '../table.ts';
import type { Terminal } from '../terminal.ts';

interface Flags {
  readonly json?: true;
  readonly home?: string;
}

const EXIT_FAILED = 1;
const CONNECT_MS = 2_000;

/** @throws {NikaError} what is wrong with home, settings or the name; `NIKA_REDIS_AWAY` */
const ask = async (capability: string | undefined, flags: Flags, terminal: Terminal): Promise<readonly Offer[]> => {
  const [
    { resolveHome },
    { loadSettings },
    { openWriter },
    { createKeys, parseKeyPart },
    registry,
    { capabilitySchema },
  ] = await Promise.all([
    import('../../config/home.ts'),
    import('../../config/settings.ts'),
    import('../../redis/link.ts'),
    import('../../redis/keys.ts'),
    import('../../ipc/registry/registry.ts'),
    import('../../model/dispatch.ts'),
  ]);
  const home = resolveHome({ flag: flags.home, env: terminal.env, cwd: terminal.cwd });
  const { redis } = loadSettings(home, terminal.env);
  if (redis.kind === 'off') {
    throw new NikaError(
      'NIKA_REGISTRY_AWAY',
      'no Redis is configured (redis.url, NIKA_REDIS_URL): there is no registry',
      {
        remedy: 'Workers of this home: nika worker ls.',
      },
    );
  }
  const name = capability === undefined ? undefined : capabilitySchema.safeParse(capability);
  if (name?.success === false) {
    const why = name.error.issues[0]?.message ?? 'is wrong';
    throw new NikaError('NIKA_CLI_USAGE', `"${capability}" is no capability: it ${why}`);
  }
  await using link = await openWriter(redis);
  await link.untilKnown(CONNECT_MS);
  const place = { link, keys: createKeys(redis.prefix) };
  const outcome = await (name === undefined
    ? registry.tryListOffers(place)
    : registry.tryDiscover(place, parseKeyPart(name.data)));
  if (outcome.kind === 'done') return outcome.value;
  throw new NikaError('NIKA_REGISTRY_AWAY', `Redis cannot be asked: ${outcome.why}`);
};

const show = async (capability: string | undefined, flags: Flags, terminal: Terminal): Promise<void> => {
  const offers = await ask(capability, flags, terminal);
  if (flags.json === true) {
    for (const { silentMs, ...offer } of offers)
      terminal.print(`${JSON.stringify({ ...offer, silent_ms: silentMs })}\n`);
  } else {
    const rows = offers.map(({ capability: name, kind, host, session, entity, silentMs }) => [
      terminal.paint('bold', cell(name)),
      kind,
      cell(entity ?? session),
      `on ${cell(host)}`,
      terminal.paint('dim', `${formatDuration(silentMs)} ago`),
    ]);
    terminal.print(renderTable(rows));
  }
  if (offers.length === 0) {
    terminal.warn(capability === undefined ? 'Nobody offers anything.' : `Nobody offers ${capability}.`);
    if (capability !== undefined) process.exitCode = EXIT_FAILED;
  }
};

export const addRegistryCommands = (program: Command, terminal: Terminal): void => {
  const registry = program
    .command('registry')
    .description('Who offers which capability: workers, and pods whose job names some.');
  registry
    .command('ls')
    .description('All capabilities that are offered now, and by whom.')
    .option('--json', 'one JSON object a line')
    .option('--home <dir>', 'the home: config/, _bus/, logs/, run/')
    .addHelpText('after', '\nExamples:\n  $ nika registry ls')
    .action((flags: Flags) => show(undefined, flags, terminal));
  registry
    .command('discover')
    .description('Who offers a capability now: a sign of life comes every 10 s, and who gave none for 60 s is gone.')
    .argument('<capability>', 'its name')
    .option('--json', 'one JSON object a line')
    .option('--home <dir>', 'the home: config/, _bus/, logs/, run/')
    .addHelpText(
      'after',
      `
Exit code: 1 nobody offers it.

Examples:
  $ nika registry discover reporting
  $ nika registry discover gpu --json | jq -r .host`,
    )
    .action((capability: string, flags: Flags) => show(capability, flags, terminal));
};
