/** Owns `nika bus tail`: the newest lines, and with -f those that come. */
import { tryParseLine } from '../../bus/line.ts';
import { followLines, type FollowOptions } from '../../bus/query/follow.ts';
import { readLastLines } from '../../bus/query/last-lines.ts';
import { lineRow } from './bus-line-view.ts';
import { parseCount, parseQuery, type QueryOptions, unknownTypeHint } from './bus-query.ts';
import { closedPipe, interruption, watchReader } from '../ending.ts';
import { nothingYet, openBus } from './open-bus.ts';
import type { Terminal } from '../terminal.ts';

export interface TailOptions extends Pick<QueryOptions, 'entity' | 'type'> {
  readonly follow?: true;
  readonly lines: string;
  readonly home?: string;
  readonly json?: true;
}

const PIPE_COLUMNS = 500;

const printLines = (texts: readonly string[], json: boolean, terminal: Terminal): void => {
  const columns = terminal.isInteractive ? terminal.columns : PIPE_COLUMNS;
  const rows = texts.map((text) => {
    const line = json ? undefined : tryParseLine(text);
    return line === undefined ? text : lineRow(line, columns);
  });
  if (rows.length > 0) terminal.print(`${rows.join('\n')}\n`);
};

/** With `--follow` it ends by Ctrl-C (exit code 130) or when its reader is gone. */
export const tail = async (options: TailOptions, terminal: Terminal): Promise<void> => {
  const count = parseCount('--lines', options.lines);
  const bus = openBus(options.home, terminal);
  const { busDir, isEmpty } = bus;
  const isFollowing = options.follow === true;
  if (isEmpty) terminal.warn(`${nothingYet(bus)}${isFollowing ? '; waiting for the first line' : ''}.`);
  if (isEmpty && !isFollowing) return;
  const query = await parseQuery(options, [busDir]);
  const isJson = options.json === true;
  const hint = isEmpty ? undefined : unknownTypeHint(options.type);
  if (hint !== undefined && (await readLastLines({ busDir, query, count: 1 })).length === 0) {
    terminal.warn(`${terminal.paint('yellow', 'nika:')} ${hint}`);
  }
  if (isFollowing) await follow({ busDir, query, last: count }, isJson, terminal);
  else printLines(await readLastLines({ busDir, query, count }), isJson, terminal);
};

const follow = async (
  what: Pick<FollowOptions, 'busDir' | 'query' | 'last'>,
  isJson: boolean,
  terminal: Terminal,
): Promise<void> => {
  using reader = watchReader();
  const signal = AbortSignal.any([closedPipe(terminal), reader.signal, interruption()]);
  const onWatchFailure = (why: string): void => {
    terminal.warn(
      `${terminal.paint('yellow', 'nika:')} files cannot be watched, so they are looked at each second: ${why}`,
    );
  };
  for await (const texts of followLines({ ...what, signal, onWatchFailure })) {
    printLines(texts, isJson, terminal);
  }
};
