/** Owns `nika feed …`: the feed of the swarm, its readers, and what they could not handle. Each loads what it needs when it runs. */
import type { Command } from 'commander';
import type { Terminal } from '../terminal.ts';
import type { FeedDeadFlags } from './feed-dead.ts';
import type { FeedLagFlags } from './feed-lag.ts';
import type { FeedTailFlags } from './feed-tail.ts';

const HOME_OPTION = ['--home <dir>', 'the home: config/, _bus/, logs/, run/'] as const;

const collect = (value: string, before: readonly string[] = []): readonly string[] => [...before, value];

const addTail = (feed: Command, terminal: Terminal): void => {
  feed
    .command('tail')
    .description('Shows what happens in the swarm, on all hosts, and takes nothing from anybody who reads the feed.')
    .option('-f, --follow', 'goes on until Ctrl-C, also while Redis is away')
    .option('--since <time>', 'all since then: 10m, 2h, 3d ago, 2026-04-12T10:30 (UTC); the feed keeps 24 hours')
    .option('-n, --lines <count>', 'how many of those that are there (default: 20, with --since all)')
    .option('--only <which>', 'significant: completed, failed, cancelled, and created of a root')
    .option('--event <event>', 'only these, such as failed or pod_waiting; may be given several times', collect)
    .option('--entity <id>', 'only of this entity: id, the beginning of its random part, @last, or the name of its job')
    .option('--json', 'one object a line, as on the feed; local_only: of the bus of this home')
    .option(...HOME_OPTION)
    .addHelpText(
      'after',
      `
While Redis is away, or where none is configured, the same changes come from the bus of this home; "local only" says so
once on standard error. When Redis is back it goes on with the feed, each change once.

Examples:
  $ nika feed tail -f --only significant
  $ nika feed tail --since 10m --event failed --json | jq -r '.data.error'`,
    )
    .action(async (flags: FeedTailFlags) => {
      const { feedTail } = await import('./feed-tail.ts');
      await feedTail(flags, terminal);
    });
};

const addLag = (feed: Command, terminal: Terminal): void => {
  feed
    .command('lag')
    .description('Shows who reads the feed: groups, consumers, what is pending, how far they are behind.')
    .option('--json', 'one object: entries, groups; lag is null where Redis cannot say')
    .option(...HOME_OPTION)
    .addHelpText('after', "\nExamples:\n  $ nika feed lag\n  $ nika feed lag --json | jq '.groups[] | {group, lag}'")
    .action(async (flags: FeedLagFlags) => {
      const { feedLag } = await import('./feed-lag.ts');
      await feedLag(flags, terminal);
    });
};

const addDead = (feed: Command, terminal: Terminal): void => {
  const dead = feed.command('dead').description('what readers of the feed could not handle, for 7 days');
  dead
    .command('list')
    .alias('ls')
    .description('Lists them with the error of the last try.')
    .option('--json', 'an array of objects')
    .option(...HOME_OPTION)
    .addHelpText('after', "\nExamples:\n  $ nika feed dead list\n  $ nika feed dead list --json | jq '.[].error'")
    .action(async (flags: FeedDeadFlags) => {
      const { listDead } = await import('./feed-dead.ts');
      await listDead(flags, terminal);
    });
  dead
    .command('retry')
    .description('Gives them to their group again, and to no other; from nika:feed:dead they go.')
    .argument('[id...]', 'ids of the list, or how they begin')
    .option('--all', 'all of them')
    .option('--json', 'an array of {id, outcome}: handed, published, group-gone')
    .option(...HOME_OPTION)
    .addHelpText('after', '\nExamples:\n  $ nika feed dead retry 1795173516237-0\n  $ nika feed dead retry --all')
    .action(async (ids: readonly string[], flags: FeedDeadFlags) => {
      const { retryAll } = await import('./feed-dead.ts');
      await retryAll(ids, flags, terminal);
    });
  dead
    .command('drop')
    .description('Throws them away. The bus keeps what happened.')
    .argument('[id...]', 'ids of the list, or how they begin')
    .option('--all', 'all of them')
    .option('--json', 'one object: dropped')
    .option(...HOME_OPTION)
    .addHelpText('after', '\nExamples:\n  $ nika feed dead drop 1795173516237-0\n  $ nika feed dead drop --all')
    .action(async (ids: readonly string[], flags: FeedDeadFlags) => {
      const { dropAll } = await import('./feed-dead.ts');
      await dropAll(ids, flags, terminal);
    });
};

export const addFeedCommands = (program: Command, terminal: Terminal): void => {
  const feed = program.command('feed').description('watch the swarm as the feed tells it, and who reads the feed');
  addTail(feed, terminal);
  addLag(feed, terminal);
  addDead(feed, terminal);
};
