/** Owns `nika review show`: what was asked, what it came to, what changed. */
import type { Command } from 'commander';
import { errorMessage, NikaError } from '../../model/error.ts';
import type { Review } from '../../swarm/review/read-reviews.ts';
import { printable } from '../format.ts';
import { asCalled } from '../hint/called-as.ts';
import { resultLines } from '../pod/pod-summary.ts';
import { renderTable } from '../table.ts';
import type { Terminal } from '../terminal.ts';
import { askedAgo, reviewerText, roundText } from './review-list.ts';
import { HOME_FLAG, openReviewPlace } from './review-place.ts';

interface ShowFlags {
  readonly diff?: true;
  readonly json?: true;
  readonly home?: string;
}

/** What its blob holds, where it is long; else as the bus has it. */
const wholeOf = async (busDir: string, result: unknown, terminal: Terminal): Promise<unknown> => {
  const { wholeValue } = await import('../../pod/registry/pod-result.ts');
  try {
    return wholeValue(busDir, result);
  } catch (thrown) {
    terminal.warn(`only the beginning of the result is shown: ${errorMessage(thrown)}`);
    return result;
  }
};

const rowsOf = (review: Review, { paint }: Terminal): readonly (readonly string[])[] =>
  [
    ['id', review.id],
    ['job', `${review.job}, domain ${review.domain}, intent ${review.intent}`],
    ['belongs to', review.parent ?? ''],
    ['round', roundText(review)],
    ['asked', `${review.asked_at} (${askedAgo(review)} ago), of ${reviewerText(review)}`],
    ['because', review.reason],
    ['worktree', review.worktree?.path ?? ''],
    ['branch', review.worktree?.branch ?? ''],
  ].flatMap(([name = '', value = '']) => (value === '' ? [] : [[paint('dim', name), printable(value)]]));

const show = async (name: string, flags: ShowFlags, terminal: Terminal): Promise<void> => {
  const { place, reviews } = await openReviewPlace(flags.home, terminal);
  const { busDir } = place.home;
  const id = await reviews.resolveReviewed(place, name);
  const review = (await reviews.listReviews(place)).find((each) => each.id === id);
  if (review === undefined) {
    const { readEntity } = await import('../../bus/query/entities.ts');
    const state = (await readEntity(busDir, id))?.state?.replaceAll('_', ' ') ?? 'not on the bus';
    throw new NikaError('NIKA_REVIEW_NONE', `${id} does not await review; it is ${state}`, { subject: id });
  }
  const result = await wholeOf(busDir, review.result, terminal);
  if (flags.json === true) return terminal.print(`${JSON.stringify({ ...review, result })}\n`);
  const lines = resultLines(result).map((line) => `  ${printable(line)}\n`);
  terminal.print(renderTable(rowsOf(review, terminal)));
  terminal.print(lines.length === 0 ? 'It has no result.\n' : `${terminal.paint('dim', 'result')}\n${lines.join('')}`);
  if (review.worktree !== null) await showChanges(id, flags, terminal);
  const next = `accept: nika review accept ${id}   reject: nika review reject ${id} --reason '…'`;
  terminal.print(`${asCalled(terminal, next)}\n`);
};

const showChanges = async (id: string, flags: ShowFlags, terminal: Terminal): Promise<void> => {
  const { diff } = await import('../pod/diff-command.ts');
  const home = flags.home === undefined ? {} : { home: flags.home };
  await diff(id, [], { ...home, ...(flags.diff === true ? {} : { stat: true }) }, terminal);
  if (flags.diff !== true) terminal.print(terminal.paint('dim', asCalled(terminal, `diff: nika pod diff ${id}\n`)));
};

export const addReviewShowCommand = (review: Command, terminal: Terminal): void => {
  review
    .command('show')
    .description('Shows what is to be judged: what was asked, the result, what changed in its worktree.')
    .argument('<job>', 'id, unique prefix, name of a job, or @last')
    .option('--diff', 'the whole diff of its worktree, not only which files changed')
    .option('--json', 'one JSON object')
    .option(...HOME_FLAG)
    .addHelpText('after', '\nExamples:\n  $ nika review show @last\n  $ nika review show k3f9 --diff')
    .action((name: string, flags: ShowFlags) => show(name, flags, terminal));
};
