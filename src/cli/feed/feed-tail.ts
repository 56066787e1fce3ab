/** Owns `nika feed tail`: what happens in the swarm, as the feed tells it, or the bus of this home while Redis is away. */
import { type FeedChange, isSignificantChange } from '../../ipc/feed/feed-change.ts';
import { NikaError } from '../../model/error.ts';
import { entityIdSchema } from '../../model/id.ts';
import { tailSwarm, type TailedChange } from '../../swarm/tail/swarm-tail.ts';
import { shortId } from '../bus/bus-line-view.ts';
import { parseCount, parseTime } from '../bus/bus-query.ts';
import { resolveEntity } from '../bus/resolve-entity.ts';
import { closedPipe, interruption, watchReader } from '../ending.ts';
import { printable } from '../format.ts';
import type { Terminal } from '../terminal.ts';
import { changeJson, changeRow } from './change-row.ts';
import { feedPlace } from './feed-context.ts';

export interface FeedTailFlags {
  readonly follow?: true;
  readonly since?: string;
  readonly lines?: string;
  readonly only?: string;
  readonly event?: readonly string[];
  readonly entity?: string;
  readonly json?: true;
  readonly home?: string;
}

type Filter = (change: FeedChange) => boolean;

const PIPE_COLUMNS = 500;
const DEFAULT_LINES = 20;

/** An id as it is, whoever knows it; what this home's bus knows; else the beginning of a generated id. */
const entityFilter = async (text: string, busDir: string): Promise<Filter> => {
  const id = entityIdSchema.safeParse(text);
  if (id.success) return ({ entity }) => entity === id.data;
  if (text.startsWith('@')) {
    const found = await resolveEntity(text, busDir);
    return ({ entity }) => entity === found;
  }
  return ({ entity, meta }) => shortId(entity).startsWith(text) || meta['job'] === text;
};

const filterOf = async ({ only, event, entity }: FeedTailFlags, busDir: string): Promise<Filter> => {
  if (only !== undefined && only !== 'significant' && only !== 'all')
    throw new NikaError('NIKA_CLI_USAGE', `--only does not know "${only}"`, { remedy: 'It is significant or all.' });
  const isOfEntity = entity === undefined ? (): boolean => true : await entityFilter(entity, busDir);
  return (change) =>
    (only !== 'significant' || isSignificantChange(change)) &&
    (event === undefined || event.includes(change.event)) &&
    isOfEntity(change);
};

/** With `--follow` it ends by Ctrl-C (exit code 130) or when its reader is gone. */
export const feedTail = async (flags: FeedTailFlags, terminal: Terminal): Promise<void> => {
  const { home, target } = feedPlace(flags.home, terminal);
  const filter = await filterOf(flags, home.busDir);
  const sinceMs = flags.since === undefined ? undefined : parseTime('--since', flags.since).fromMs;
  const isFollowing = flags.follow === true;
  using reader = isFollowing ? watchReader() : undefined;
  const ends = [closedPipe(terminal), ...(reader === undefined ? [] : [reader.signal])];
  const columns = terminal.isInteractive ? terminal.columns : PIPE_COLUMNS;
  const row = ({ change, origin }: TailedChange): string => {
    const isLocal = origin === 'bus';
    return flags.json === true ? changeJson(change, isLocal) : changeRow(change, isLocal, terminal, columns);
  };
  const say = (text: string): void => terminal.warn(`${terminal.paint('yellow', 'nika:')} ${printable(text)}`);
  const batches = tailSwarm({
    busDir: home.busDir,
    target,
    sinceMs,
    last: lastOf(flags),
    isFollowing,
    filter,
    onLocal: (why) => say(`local only: ${why}; this is what the bus of this home tells`),
    onBack: () => say('Redis is back: this is what the feed tells again'),
    signal: AbortSignal.any([...ends, ...(isFollowing ? [interruption()] : [])]),
  });
  for await (const batch of batches) terminal.print(`${batch.map(row).join('\n')}\n`);
};

const lastOf = ({ lines, since }: FeedTailFlags): number | undefined => {
  if (lines !== undefined) return parseCount('--lines', lines);
  return since === undefined ? DEFAULT_LINES : undefined;
};
