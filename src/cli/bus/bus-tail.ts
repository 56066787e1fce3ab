/** Owns `nika bus tail`: the newest lines, and with -f those that come. */
import { tryParseLine } from '../../bus/line.ts';
import { followLines } from '../../bus/query/follow.ts';
import { readLastLines } from '../../bus/query/last-lines.ts';
import { resolveHome } from '../../config/home.ts';
import { NikaError } from '../../model/error.ts';
import { lineRow } from './bus-line-view.ts';
import { parseQuery, type QueryOptions } from './bus-query.ts';
import { closedPipe, interruption } from '../ending.ts';
import type { Terminal } from '../terminal.ts';

export interface TailOptions extends Pick<QueryOptions, 'entity' | 'type'> {
  readonly follow?: true;
  readonly lines: string;
  readonly home?: string;
  readonly json?: true;
}

const PIPE_COLUMNS = 500;

const parseCount = (text: string): number => {
  if (/^\d{1,6}$/.test(text)) return Number(text);
  throw new NikaError('NIKA_CLI_USAGE', `--lines takes a number, not "${text}"`);
};

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
  const { busDir } = resolveHome({ flag: options.home, env: terminal.env, cwd: terminal.cwd });
  const count = parseCount(options.lines);
  const query = await parseQuery(options, [busDir]);
  const isJson = options.json === true;
  if (options.follow !== true) {
    printLines(await readLastLines({ busDir, query, count }), isJson, terminal);
    return;
  }
  const signal = AbortSignal.any([closedPipe(terminal), interruption()]);
  const onWatchFailure = (why: string): void => {
    terminal.warn(
      `${terminal.paint('yellow', 'nika:')} files cannot be watched, so they are looked at each second: ${why}`,
    );
  };
  for await (const texts of followLines({ busDir, query, last: count, signal, onWatchFailure })) {
    printLines(texts, isJson, terminal);
  }
};
