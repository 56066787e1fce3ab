/** Owns which commands `nika review …` has. */
import type { Command } from 'commander';
import type { Terminal } from '../terminal.ts';
import { addDecideCommands } from './decide-commands.ts';
import { addReviewListCommand } from './review-list.ts';
import { addReviewShowCommand } from './review-show.ts';

export const addReviewCommands = (program: Command, terminal: Terminal): void => {
  const review = program.command('review').description('what pods ask to have judged: list, show, accept, reject');
  addReviewListCommand(review, terminal);
  addReviewShowCommand(review, terminal);
  addDecideCommands(review, terminal);
};
