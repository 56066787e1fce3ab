/** Owns what nika says beside a program that has the terminal itself: what cannot be left unsaid, on standard error. */
import { printable } from '../format.ts';
import type { Terminal } from '../terminal.ts';
import { degradedText, droppedText } from '../words/dropped.ts';
import { outcomeText } from '../words/outcome.ts';
import type { PodView } from './pod-view.ts';

/** As shells say of a command that was not found. */
const NOT_STARTED = 127;

export const programView = ({ warn }: Terminal): PodView => ({
  listener: (event) => {
    if (event.event === 'queued') warn(`nika: queued: ${event.why}`);
    if (event.event === 'asked') {
      warn(`nika: may it call ${printable(`${event.tool} ${event.what}`)}? Answer: nika pod allow @last, or deny`);
    }
    if (event.event !== 'pod_ended' || event.attempts_left > 0) return;
    const { error, outcome, exit_code: code } = event;
    const isOwn = code === NOT_STARTED || outcome === 'timed_out' || outcome === 'limit' || event.calls === 0;
    if (outcome !== 'completed' && isOwn) warn(`nika: ${printable(error ?? outcomeText(outcome))}`);
    const told = [degradedText(event.degraded), droppedText(event.dropped)].filter((text) => text !== '').join('; ');
    if (told !== '') warn(`nika: ${printable(told)}`);
  },
  say: () => undefined,
  close: () => undefined,
});
