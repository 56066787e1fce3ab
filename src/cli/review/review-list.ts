/** Owns `nika review list`. */
import type { Command } from 'commander';
import type { Review } from '../../swarm/review/read-reviews.ts';
import { bodyText } from '../bus/bus-line-view.ts';
import { clip, formatDuration, printable } from '../format.ts';
import { renderTable } from '../table.ts';
import type { Terminal } from '../terminal.ts';
import { HOME_FLAG, openReviewPlace } from './review-place.ts';

interface ListFlags {
  readonly json?: true;
  readonly home?: string;
}

const RESULT_COLUMNS = 60;

export const roundText = ({ round, rounds }: Review): string =>
  rounds === null ? String(round) : `${round} of ${rounds}`;

export const reviewerText = ({ reviewer }: Review): string => reviewer ?? 'people';

export const askedAgo = ({ asked_at: at }: Review): string =>
  formatDuration(Math.max(0, Date.now() - Date.parse(at))).replace(/\.\d+/, '');

const list = async (flags: ListFlags, terminal: Terminal): Promise<void> => {
  const { place, reviews } = await openReviewPlace(flags.home, terminal);
  const found = await reviews.listReviews(place);
  if (flags.json === true) {
    for (const review of found) terminal.print(`${JSON.stringify(review)}\n`);
    return;
  }
  if (found.length === 0) return terminal.print('Nothing awaits review.\n');
  const titles = ['ID', 'JOB', 'ROUND', 'ASKED', 'OF', 'RESULT'].map((title) => terminal.paint('dim', title));
  const rows = found.map((review) => [
    review.id,
    clip(printable(review.job), 24),
    roundText(review),
    `${askedAgo(review)} ago`,
    printable(reviewerText(review)),
    clip(bodyText(review.result), RESULT_COLUMNS),
  ]);
  terminal.print(renderTable([titles, ...rows]));
};

export const addReviewListCommand = (review: Command, terminal: Terminal): void => {
  review
    .command('list')
    .alias('ls')
    .description('Shows which jobs await review, the longest waiting first.')
    .option('--json', 'one JSON object per job')
    .option(...HOME_FLAG)
    .addHelpText(
      'after',
      `
What was rejected by somebody who died before it was started again is started again.

Examples:
  $ nika review list
  $ nika review list --json | jq -r 'select(.reviewer == null) | .id'`,
    )
    .action((flags: ListFlags) => list(flags, terminal));
};
