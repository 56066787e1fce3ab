/** Owns what nika says beside a program that has the terminal itself: what cannot be left unsaid, on standard error. */
import { printable } from '../format.ts';
import { asCalled } from '../hint/called-as.ts';
import type { Terminal } from '../terminal.ts';
import { degradedText, droppedText } from '../words/dropped.ts';
import { outcomeText } from '../words/outcome.ts';
import { worktreeEndText } from '../words/worktree.ts';
import type { PodView } from './pod-view.ts';

/** As shells say of a command that was not found. */
const NOT_STARTED = 127;

export const programView = ({ warn, env }: Terminal): PodView => ({
  listener: (event) => {
    if (event.event === 'queued') warn(`nika: queued: ${event.why}`);
    if (event.event === 'worktree' && event.left_behind !== undefined) {
      warn(`nika: not in the worktree, since not committed: ${printable(event.left_behind)}`);
    }
    if (event.event === 'asked') {
      warn(`nika: may it call ${printable(`${event.tool} ${event.what}`)}? Answer: nika pod allow @last, or deny`);
    }
    if (event.event !== 'pod_ended' || event.attempts_left > 0) return;
    const { id, error, outcome, exit_code: code } = event;
    const isOwn = code === NOT_STARTED || outcome === 'timed_out' || outcome === 'limit' || event.calls === 0;
    if (outcome === 'awaiting_review') warn(asCalled({ env }, `nika: awaits review: nika review show ${id}`));
    else if (outcome !== 'completed' && isOwn) warn(`nika: ${printable(error ?? outcomeText(outcome))}`);
    if (event.worktree !== undefined && (event.worktree.kept || event.worktree.files > 0)) {
      const diff = event.worktree.kept ? `: nika pod diff ${event.id}` : '';
      warn(asCalled({ env }, `nika: ${printable(worktreeEndText(event.worktree))}${diff}`));
    }
    const told = [degradedText(event.degraded), droppedText(event.dropped)].filter((text) => text !== '').join('; ');
    if (told !== '') warn(`nika: ${printable(told)}`);
  },
  say: () => undefined,
  close: () => undefined,
});
