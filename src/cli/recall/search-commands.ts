/** Owns `nika memory search` and `nika memory similar`. */
import type { Command } from 'commander';
import type { MemoryAnswer } from '../../memory/ask.ts';
import type { SearchHit } from '../../memory/memory-source.ts';
import { NikaError } from '../../model/error.ts';
import type { MemoryFilter } from '../../model/memory.ts';
import type { Terminal } from '../terminal.ts';
import { entityOf, FILTER_HELP, type FilterFlags, parseFilter, withFilters } from './recall-filter.ts';
import { openRecall, type RecallPlace, sourceJson, tellSource } from './recall-place.ts';

interface SearchFlags extends FilterFlags {
  readonly limit: string;
  readonly json?: true;
  readonly home?: string;
}

const EXIT_NOTHING_FOUND = 1;
const MAX_LIMIT = 1_000;
const MAX_WORDS_CHARS = 10_000;

/** @throws {NikaError} `NIKA_CLI_USAGE` */
const parseLimit = (text: string): number => {
  const limit = /^\d{1,4}$/.test(text) ? Number(text) : 0;
  if (limit >= 1 && limit <= MAX_LIMIT) return limit;
  throw new NikaError('NIKA_CLI_USAGE', `--limit takes a number from 1 to ${MAX_LIMIT}, not "${text.slice(0, 80)}"`, {
    remedy: 'Write it as digits: --limit 20',
  });
};

/** @throws {NikaError} `NIKA_CLI_USAGE` */
const parseWords = (texts: readonly string[]): string => {
  const words = texts.join(' ').trim();
  if (words === '' || words.length > MAX_WORDS_CHARS)
    throw new NikaError(
      'NIKA_CLI_USAGE',
      words === '' ? 'there is nothing to search for' : `more than ${MAX_WORDS_CHARS} characters are no question`,
      { remedy: 'Give some words: nika memory search "flaky websocket test"' },
    );
  return words;
};

type Found = MemoryAnswer<readonly SearchHit[]>;
type Asking = (place: RecallPlace, filter: MemoryFilter, signal: AbortSignal) => Promise<Found>;

const nothingText = (words: string): string =>
  words === ''
    ? 'Nothing like it was found, or nothing is remembered of it.'
    : 'Nothing was found: other words, or fewer filters?';

const find = async (words: string, flags: SearchFlags, terminal: Terminal, asking: Asking): Promise<void> => {
  await using place = await openRecall(flags.home, terminal);
  const [{ closedPipe }, { hitJson, hitLines }] = await Promise.all([import('../ending.ts'), import('./hit-view.ts')]);
  const filter = await parseFilter(flags, place.bus.busDir);
  const startedAtMs = performance.now();
  const answer = await asking(place, filter, closedPipe(terminal));
  const tookMs = Math.round(performance.now() - startedAtMs);
  place.progress.clear();
  const hits = answer.value;
  if (hits.length === 0) process.exitCode = EXIT_NOTHING_FOUND;
  if (flags.json === true) {
    const found = hits.map((hit) => hitJson(hit, words));
    terminal.print(`${JSON.stringify({ hits: found, ...sourceJson(answer), took_ms: tookMs })}\n`);
    return;
  }
  tellSource(answer, terminal);
  if (hits.length === 0) terminal.warn(nothingText(words));
  const texts = hits.map((hit) => `${hitLines(hit, words, terminal).join('\n')}\n`);
  terminal.print(texts.join('\n'));
};

const withSearchOptions = (command: Command): Command =>
  withFilters(command)
    .option('-n, --limit <count>', 'how many, the best first', '10')
    .option(
      '--json',
      'one object: hits (id, score, status, ts, entity_id, summary, snippet, show …), source, why, took_ms',
    )
    .option('--home <dir>', 'the home: config/, _bus/, logs/, run/');

const EXIT_CODES = 'Exit codes: 0 found; 1 nothing found; 2 wrong use, or the bus cannot be read.';

const addSearch = (memory: Command, terminal: Terminal): void => {
  withSearchOptions(
    memory
      .command('search')
      .description('Finds what pods did by words: jobs, tasks and sessions with how they ended; the best first.')
      .argument('<words...>', 'identifiers, paths, error codes, plain words; more words that match rank higher'),
  )
    .addHelpText(
      'after',
      `
Each entity is shown once, by what matches best of it: what was asked, the agent's last message, files, tools, errors.
The last line of each is the command that shows the whole story. Words are matched as they are written, in parts and
whole: readFileSync, src/pod/session.ts, ECONNRESET. Where memory.embeddings is configured, meaning counts, too.

${FILTER_HELP}

${EXIT_CODES}

Examples:
  $ nika memory search "flaky websocket test"
  $ nika memory search ECONNRESET --status completed --from 90d
  $ nika memory search "token budget" --type session --json | jq -r '.hits[].entity_id'`,
    )
    .action((texts: readonly string[], flags: SearchFlags) => {
      const words = parseWords(texts);
      const limit = parseLimit(flags.limit);
      return find(words, flags, terminal, ({ ask }, filter, signal) => ask.search({ words, filter, limit }, signal));
    });
};

const addSimilar = (memory: Command, terminal: Terminal): void => {
  withSearchOptions(
    memory
      .command('similar')
      .description('Finds what is like an entity: other work with the same words, files and errors.')
      .argument('<entity>', 'id, unique prefix, @last, or name of a running job'),
  )
    .addHelpText(
      'after',
      `
${FILTER_HELP}

${EXIT_CODES}

Examples:
  $ nika memory similar @last
  $ nika memory similar k3f9 --status completed --limit 3`,
    )
    .action((text: string, flags: SearchFlags) => {
      const limit = parseLimit(flags.limit);
      return find('', flags, terminal, async ({ ask, bus }, filter, signal) =>
        ask.similar(await entityOf(text, bus.busDir), { filter, limit }, signal),
      );
    });
};

export const addSearchCommands = (memory: Command, terminal: Terminal): void => {
  addSearch(memory, terminal);
  addSimilar(memory, terminal);
};
