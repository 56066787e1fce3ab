/** Owns `nika review accept` and `nika review reject`. */
import type { Command } from 'commander';
import type { Decided, Decision } from '../../swarm/review/decide-review.ts';
import { printable } from '../format.ts';
import { asCalled } from '../hint/called-as.ts';
import type { Terminal } from '../terminal.ts';
import { HOME_FLAG, openReviewPlace } from './review-place.ts';

interface DecideFlags {
  readonly reason?: string;
  readonly final?: true;
  readonly json?: true;
  readonly home?: string;
}

const EXIT_FAILED = 1;

export const decidedText = (decided: Decided): string => {
  const { id, round } = decided;
  switch (decided.kind) {
    case 'accepted':
      return `${id} is completed: accepted in round ${round}`;
    case 'rejected':
      return `${id} was rejected in round ${round}, and is done again: attempt ${decided.attempt}${decided.waits === undefined ? '' : `, ${decided.waits}`}`;
    case 'failed':
      return `${id} has failed: ${decided.error}`;
    case 'not started':
      return `${id} was rejected in round ${round}, but could not be started again: ${decided.why}`;
  }
};

const decide = async (name: string, decision: Decision, flags: DecideFlags, terminal: Terminal): Promise<void> => {
  const { place, reviews } = await openReviewPlace(flags.home, terminal);
  const id = await reviews.resolveReviewed(place, name);
  const decided = await reviews.decide(place, id, decision);
  if (flags.json === true) terminal.print(`${JSON.stringify(decided)}\n`);
  else terminal.print(`${printable(decidedText(decided))}\n`);
  if (decided.kind !== 'not started') return;
  terminal.warn(asCalled(terminal, `nika: start it: nika pod restart ${id}`));
  process.exitCode = EXIT_FAILED;
};

const ID = 'id, unique prefix, name of a job, or @last';

export const addDecideCommands = (review: Command, terminal: Terminal): void => {
  review
    .command('accept')
    .description('Accepts what a job came to: it is completed.')
    .argument('<job>', ID)
    .option('--reason <text>', 'stands on the record')
    .option('--json', 'one JSON object: kind, id, round')
    .option(...HOME_FLAG)
    .addHelpText(
      'after',
      "\nExamples:\n  $ nika review accept @last\n  $ nika review accept k3f9 --reason 'tests pass'",
    )
    .action((name: string, flags: DecideFlags) =>
      decide(name, { kind: 'accept', reason: flags.reason }, flags, terminal),
    );
  review
    .command('reject')
    .description('Rejects what a job came to: it is done again with the reason, in the last round it fails.')
    .argument('<job>', ID)
    .requiredOption('--reason <text>', 'what is wrong, and what to do: the job is told')
    .option('--final', 'it is not done again: it fails')
    .option('--json', 'one JSON object: kind, id, round')
    .option(...HOME_FLAG)
    .addHelpText(
      'after',
      `
The same job begins its next attempt in the background, in its worktree where it has one. It finds the reason in
NIKA_REVIEW_REASON, in its input review_reason where it has one, and an agent behind its prompt.

Examples:
  $ nika review reject @last --reason 'the new test does not fail without the fix'
  $ nika review reject k3f9 --final --reason 'not needed any more'`,
    )
    .action((name: string, flags: DecideFlags) =>
      decide(name, { kind: 'reject', reason: flags.reason ?? '', isFinal: flags.final }, flags, terminal),
    );
};
