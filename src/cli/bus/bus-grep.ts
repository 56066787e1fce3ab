/** Owns `nika bus grep`: what it asks, prints and ends with. */
import { basename } from 'node:path';
import { tryParseLine } from '../../bus/line.ts';
import { type FoundLine, mergeLines } from '../../bus/query/merge.ts';
import { lineRow } from './bus-line-view.ts';
import {
  entityTypeFilter,
  parseCount,
  parseQuery,
  parseRegex,
  type QueryOptions,
  unknownTypeHint,
} from './bus-query.ts';
import { keepMemorySmall } from './small-memory.ts';
import { closedPipe } from '../ending.ts';
import { nothingYet, openBus } from './open-bus.ts';
import { startProgress } from '../progress.ts';
import type { Terminal } from '../terminal.ts';

export interface GrepOptions extends QueryOptions {
  readonly home?: readonly string[];
  readonly entityType?: string;
  readonly limit?: string;
  readonly ignoreCase?: true;
  readonly count?: true;
  readonly json?: true;
}

const EXIT_NOTHING_FOUND = 1;
const EXIT_UNREADABLE = 2;
/** In a pipe nothing is cut but what nobody would read. */
const PIPE_COLUMNS = 500;

const createPrinter = (options: GrepOptions, names: readonly string[], terminal: Terminal) => {
  const columns = terminal.isInteractive ? terminal.columns : PIPE_COLUMNS;
  const human = ({ text, bus }: FoundLine): string => {
    const line = tryParseLine(text);
    const home = names.length > 1 ? `${names[bus] ?? ''}  ` : '';
    return line === undefined ? text : home + lineRow(line, columns - home.length);
  };
  return (found: readonly FoundLine[]): void => {
    if (options.count) return;
    terminal.print(found.map((line) => `${options.json ? line.text : human(line)}\n`).join(''));
  };
};

/** The buses to search, by their folder; of homes where nothing has run it is said. */
const openBuses = (options: GrepOptions, terminal: Terminal): ReadonlyMap<string, string> => {
  const homes = new Map<string, string>();
  for (const flag of options.home ?? [undefined]) {
    const bus = openBus(flag, terminal);
    if (bus.isEmpty) terminal.warn(`${nothingYet(bus)}.`);
    else homes.set(bus.busDir, bus.home.dir);
  }
  return homes;
};

/** Exit code 0: found, 1: nothing found, 2: usage, or some file could not be read. */
export const grep = async (pattern: string, options: GrepOptions, terminal: Terminal): Promise<void> => {
  keepMemorySmall();
  const regex = parseRegex(pattern, options.ignoreCase === true);
  const isOfType = entityTypeFilter(options.entityType);
  const limit = options.limit === undefined ? Infinity : parseCount('--limit', options.limit);
  const homes = openBuses(options, terminal);
  const busDirs = [...homes.keys()];
  const query = { ...(await parseQuery(options, busDirs)), regex };
  const signal = closedPipe(terminal);
  using progress = startProgress(terminal, 'searching');
  const print = createPrinter(
    options,
    [...homes.values()].map((dir) => basename(dir)),
    terminal,
  );
  let foundCount = 0;
  let unreadableCount = 0;
  const onUnreadable = (error: Error): void => {
    unreadableCount += 1;
    progress.clear();
    terminal.warn(`${terminal.paint('yellow', 'nika:')} ${error.message}`);
  };
  const { onProgress } = progress;
  for await (const lines of mergeLines({ busDirs, query, onUnreadable, onProgress })) {
    if (signal.aborted) return;
    const ofType = isOfType === undefined ? lines : lines.filter(({ text }) => isOfType(text));
    const found = ofType.slice(0, limit - foundCount);
    foundCount += found.length;
    progress.clear();
    if (found.length > 0) print(found);
    if (foundCount >= limit) break;
  }
  progress.clear();
  const hint = foundCount === 0 ? unknownTypeHint(options.type) : undefined;
  if (hint !== undefined) terminal.warn(`${terminal.paint('yellow', 'nika:')} ${hint}`);
  if (options.count) terminal.print(`${foundCount}\n`);
  if (unreadableCount > 0) process.exitCode = EXIT_UNREADABLE;
  else if (foundCount === 0) process.exitCode = EXIT_NOTHING_FOUND;
};
