/** Owns `nika import`: whose history, from where, and what is told of it. */
import { type Command, Argument } from 'commander';
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { HISTORY_LABELS, type HistoryLabel, loadHistoryForm } from '../agents/history/forms.ts';
import type { ImportCounts } from '../agents/history/import/import-history.ts';
import type { HistoryForm, HistorySession, Unreadable } from '../agents/history/told.ts';
import { NikaError } from '../model/error.ts';
import { roundedUsd } from '../model/spending.ts';
import { interruption } from './ending.ts';
import { formatBytes, formatDuration, printable } from './format.ts';
import { startProgress } from './progress.ts';
import type { Terminal } from './terminal.ts';
import { usedText } from './words/used.ts';

interface ImportFlags {
  readonly since?: string;
  readonly dryRun?: true;
  readonly json?: true;
  readonly home?: string;
}

/** So many unreadable lines are shown; of the others it is said how many there are. */
const SHOWN_UNREADABLE = 5;
const JSON_UNREADABLE = 1_000;
const EXIT_INTERRUPTED = 130;

class UnreadableLines {
  readonly first: Unreadable[] = [];
  count = 0;

  add(unreadable: Unreadable): void {
    this.count += 1;
    if (this.first.length < JSON_UNREADABLE) this.first.push(unreadable);
  }

  tell({ warn, paint }: Terminal): void {
    if (this.count === 0) return;
    const what =
      this.count === 1 ? '1 line or file could' : `${this.count.toLocaleString('en-US')} lines or files could`;
    warn(`${paint('yellow', 'nika:')} ${what} not be read; all others were:`);
    for (const { file, line, why } of this.first.slice(0, SHOWN_UNREADABLE)) {
      warn(printable(`  ${file}${line === 0 ? '' : `:${line}`}: ${why}`));
    }
    if (this.count > SHOWN_UNREADABLE) warn(`  and ${(this.count - SHOWN_UNREADABLE).toLocaleString('en-US')} more`);
  }
}

const many = (count: number, one: string, more = `${one}s`): string =>
  `${count.toLocaleString('en-US')} ${count === 1 ? one : more}`;

const placesOf = (form: HistoryForm, paths: readonly string[], { env, cwd }: Terminal): readonly string[] => {
  if (paths.length === 0) return form.places(env);
  return paths.map((path) => {
    const place = resolve(cwd, path);
    if (existsSync(place)) return place;
    throw new NikaError('NIKA_CLI_USAGE', `there is no ${place}`, {
      subject: place,
      remedy: `Name a folder or a file of ${form.name}, or none: then ${form.places(env).join(', ')} is read.`,
    });
  });
};

const findAll = (
  form: HistoryForm,
  places: readonly string[],
  onUnreadable: (unreadable: Unreadable) => void,
): readonly HistorySession[] => {
  const found = places.flatMap((place) => form.find(place, onUnreadable));
  if (found.length > 0) return found;
  const there = places.filter((place) => existsSync(place));
  const where = (there.length > 0 ? there : places).join(', ');
  const why = there.length > 0 ? `no session of ${form.name} is in ${where}` : `there is no ${where}`;
  throw new NikaError('NIKA_IMPORT_NOTHING', why, {
    subject: where,
    remedy: `If ${form.name} keeps its sessions elsewhere, name the folder: nika import ${form.label} <path>.`,
  });
};

/** What became of the sessions besides those that were imported. */
const restOf = (counts: ImportCounts): string =>
  [
    [counts.unchangedCount, `${many(counts.unchangedCount, 'session')} had been imported before`],
    [counts.recordedLiveCount, `${counts.recordedLiveCount} nika had recorded while they ran`],
    [counts.emptyCount, `${counts.emptyCount} with nothing in ${counts.emptyCount === 1 ? 'it' : 'them'}`],
    [counts.openCount, `${counts.openCount} may still go on: the end comes with a later import`],
  ]
    .flatMap(([count, text]) => (count === 0 ? [] : String(text)))
    .join(', ');

interface Done {
  readonly counts: ImportCounts;
  readonly form: HistoryForm;
  readonly isDryRun: boolean;
  readonly durationMs: number;
}

const sentencesOf = ({ counts, form, isDryRun, durationMs }: Done, { paint }: Terminal): string => {
  const { newCount, grownCount, callCount, tokens, costUsd, unpricedTokens, readBytes, isInterrupted } = counts;
  const mark = isInterrupted ? paint('yellow', '⊘') : paint('green', '✓');
  const would = isDryRun ? ' would be imported' : ' imported';
  const grown = grownCount === 0 ? '' : `, ${grownCount} gone on with`;
  const used = usedText(tokens, costUsd, unpricedTokens);
  const facts = `${many(callCount, 'tool call')}${used === '' ? '' : `, ${used}`}`;
  const speed = `${formatBytes(readBytes)} in ${formatDuration(durationMs)} (${formatBytes((readBytes / Math.max(1, durationMs)) * 1000)}/s)`;
  if (newCount + grownCount === 0 && !isInterrupted) {
    const rest = restOf(counts);
    return `${mark} nothing new of ${form.name}${rest === '' ? '' : `: ${rest}`}\n`;
  }
  const lines = [`${mark} ${many(newCount, 'session')} of ${form.name}${would}${grown}: ${facts}; ${speed}`];
  const rest = restOf(counts);
  if (rest !== '') lines.push(paint('dim', `  besides: ${rest}`));
  if (isInterrupted) lines.push('  interrupted: the next import goes on from here');
  else if (newCount + grownCount > 0 && !isDryRun)
    lines.push(
      paint('dim', '  see them: nika pod ls --all, nika tree, nika costs --since 30d, nika bus grep <pattern>'),
    );
  return `${lines.join('\n')}\n`;
};

const jsonOf = ({ counts, form, isDryRun, durationMs }: Done, unreadable: UnreadableLines): string =>
  `${JSON.stringify({
    agent: form.kind,
    dry_run: isDryRun,
    interrupted: counts.isInterrupted,
    sessions: {
      imported: counts.newCount,
      grown: counts.grownCount,
      unchanged: counts.unchangedCount,
      recorded_live: counts.recordedLiveCount,
      empty: counts.emptyCount,
      open: counts.openCount,
    },
    calls: counts.callCount,
    lines: counts.lineCount,
    tokens: counts.tokens,
    cost_usd: roundedUsd(counts.costUsd),
    unpriced_tokens: counts.unpricedTokens,
    bytes: counts.readBytes,
    duration_ms: Math.round(durationMs),
    unreadable_count: unreadable.count,
    unreadable: unreadable.first,
  })}\n`;

const run = async (
  label: HistoryLabel,
  paths: readonly string[],
  flags: ImportFlags,
  terminal: Terminal,
): Promise<void> => {
  const [{ resolveHome }, { loadSettings }, { readVersion }, { importHistory }, { parseTime }] = await Promise.all([
    import('../config/home.ts'),
    import('../config/settings.ts'),
    import('../config/package-root.ts'),
    import('../agents/history/import/import-history.ts'),
    import('./bus/bus-query.ts'),
  ]);
  const startedAtMs = performance.now();
  const sinceMs = flags.since === undefined ? -Infinity : parseTime('--since', flags.since).fromMs;
  const home = resolveHome({ flag: flags.home, env: terminal.env, cwd: terminal.cwd });
  const settings = loadSettings(home, terminal.env);
  const form = await loadHistoryForm(label);
  const unreadable = new UnreadableLines();
  const onUnreadable = (one: Unreadable): void => unreadable.add(one);
  const found = findAll(form, placesOf(form, paths, terminal), onUnreadable);
  const sessions = found.filter(({ changedAtMs }) => changedAtMs >= sinceMs);
  const isDryRun = flags.dryRun === true;
  using progress = startProgress(terminal, `importing ${form.name}`);
  const { onProgress } = progress;
  const signal = interruption();
  const options = {
    home,
    settings,
    form,
    sessions,
    version: readVersion(),
    isDryRun,
    onProgress,
    onUnreadable,
    signal,
  };
  const counts = await importHistory(options);
  progress.clear();
  if (counts.isInterrupted) process.exitCode = EXIT_INTERRUPTED;
  if (!isDryRun && counts.newCount + counts.grownCount > 0 && settings.qdrant.kind === 'on') {
    const { startMemoryWriter } = await import('../pod/remember/start-memory-writer.ts');
    await startMemoryWriter(home, terminal.env);
  }
  const done = { counts, form, isDryRun, durationMs: performance.now() - startedAtMs };
  if (flags.json === true) terminal.print(jsonOf(done, unreadable));
  else terminal.print(sentencesOf(done, terminal));
  unreadable.tell(terminal);
};

export const addImportCommand = (program: Command, terminal: Terminal): void => {
  program
    .command('import')
    .description("Reads an agent's own history: its past sessions as if nika had been there.")
    .addArgument(new Argument('<agent>', 'whose history').choices(HISTORY_LABELS))
    .argument('[path...]', 'files or folders of it; none: where the agent keeps its sessions')
    .option('--since <time>', 'only sessions that were written to since: 30d, 2026-04, 2026-04-12T10:30')
    .option('--dry-run', 'only counts')
    .option('--json', 'one object')
    .option('--home <dir>', 'the home: config/, _bus/, logs/, run/')
    .addHelpText(
      'after',
      `
Each session becomes a JOB (claude-import, codex-import …) with its tool calls, turns, subagents, tokens and cost, at the
times when they happened; its domain is the project's folder. What is there already is not imported again, so it can be
called as often as you like: sessions that have grown are gone on with. A session that was written to within the last hour
gets its end with a later import. What nika itself has recorded is left alone. The agent's files are only read.

Read are ~/.claude/projects, $CODEX_HOME/sessions (~/.codex), ~/.local/share/opencode and ~/.gemini/tmp.
Nothing of it is told to Redis. Lines that cannot be read are told by file and number, and change nothing for the others.

Exit codes: 0 imported, also where there was nothing new; 1 no session was found, another import runs, or the bus cannot
be written; 2 wrong use; 130 Ctrl-C: it ends after the session that is being read, at the second at
once; the next import goes on.

Examples:
  $ nika import claude                          all that Claude Code remembers
  $ nika import codex --since 30d --dry-run     what would come, and how much
  $ nika import claude ~/backup/projects        of another machine
  $ nika pod ls --all                           what you did with agents
  $ nika bus grep 'rm -rf' --domain shop        what they did there`,
    )
    .action((label: HistoryLabel, paths: readonly string[], flags: ImportFlags) => run(label, paths, flags, terminal));
};
