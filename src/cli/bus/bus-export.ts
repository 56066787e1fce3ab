/** Owns `nika bus export`: lines of the bus as CSV or JSONL, streamed, in order of time, each once. */
import { resolve } from 'node:path';
import { tryParseLine } from '../../bus/line.ts';
import { type FoundLine, mergeLines } from '../../bus/query/merge.ts';
import { NikaError } from '../../model/error.ts';
import { closedPipe, interruption } from '../ending.ts';
import { startProgress } from '../progress.ts';
import type { Terminal } from '../terminal.ts';
import { entityTypeFilter, parseCount, parseQuery, type QueryOptions, unknownTypeHint } from './bus-query.ts';
import { CSV_HEADER, csvRow } from './csv-row.ts';
import { ExportFile } from './export-file.ts';
import { nothingYet, openBus } from './open-bus.ts';
import { keepMemorySmall } from './small-memory.ts';

export interface ExportOptions extends QueryOptions {
  readonly format: string;
  readonly out?: string;
  readonly force?: true;
  readonly entityType?: string;
  readonly limit?: string;
  readonly home?: readonly string[];
}

interface Format {
  readonly header: string;
  readonly row: (found: FoundLine) => string;
}

const FORMATS: Readonly<Record<string, Format>> = {
  jsonl: { header: '', row: ({ text }) => `${text}\n` },
  csv: {
    header: CSV_HEADER,
    row: ({ text }) => {
      const line = tryParseLine(text);
      return line === undefined ? '' : csvRow(line);
    },
  },
};

const EXIT_UNREADABLE = 1;

const parseFormat = (text: string): Format => {
  const format = Object.hasOwn(FORMATS, text) ? FORMATS[text] : undefined;
  if (format !== undefined) return format;
  throw new NikaError('NIKA_CLI_USAGE', `there is no format "${text}"`, { remedy: 'It is csv or jsonl.' });
};

const busDirsOf = (options: ExportOptions, terminal: Terminal): readonly string[] => {
  const buses = (options.home ?? [undefined]).map((flag) => openBus(flag, terminal));
  for (const bus of buses.filter(({ isEmpty }) => isEmpty)) terminal.warn(`${nothingYet(bus)}.`);
  return buses.filter(({ isEmpty }) => !isEmpty).map(({ busDir }) => busDir);
};

/** Exit code 0: done, 1: some file could not be read, or it could not be written, 2: usage. */
export const exportBus = async (options: ExportOptions, terminal: Terminal): Promise<void> => {
  keepMemorySmall();
  const { header, row } = parseFormat(options.format);
  const isOfType = entityTypeFilter(options.entityType);
  const limit = options.limit === undefined ? Infinity : parseCount('--limit', options.limit);
  const busDirs = busDirsOf(options, terminal);
  const query = await parseQuery(options, busDirs);
  const signal = AbortSignal.any([closedPipe(terminal), ...(options.out === undefined ? [] : [interruption()])]);
  const path = options.out === undefined || options.out === '-' ? undefined : resolve(terminal.cwd, options.out);
  await using file = path === undefined ? undefined : await ExportFile.open(path, options.force === true);
  using progress = startProgress(terminal, 'exporting');
  const write = async (text: string): Promise<void> => {
    if (file === undefined) terminal.print(text);
    else await file.write(text);
  };
  const onUnreadable = (error: Error): void => {
    process.exitCode = EXIT_UNREADABLE;
    progress.clear();
    terminal.warn(`${terminal.paint('yellow', 'nika:')} ${error.message}`);
  };
  let count = 0;
  if (header !== '') await write(header);
  const { onProgress } = progress;
  for await (const lines of mergeLines({ busDirs, query, onUnreadable, onProgress })) {
    if (signal.aborted) return;
    const ofType = isOfType === undefined ? lines : lines.filter(({ text }) => isOfType(text));
    const some = ofType.slice(0, limit - count);
    count += some.length;
    if (some.length > 0) await write(some.map(row).join(''));
    if (count >= limit) break;
  }
  await file?.finish();
  progress.clear();
  const hint = count === 0 ? unknownTypeHint(options.type) : undefined;
  if (hint !== undefined) terminal.warn(`${terminal.paint('yellow', 'nika:')} ${hint}`);
  if (path !== undefined)
    terminal.warn(`${count.toLocaleString('en-US')} ${count === 1 ? 'line' : 'lines'} written to ${path}`);
};
