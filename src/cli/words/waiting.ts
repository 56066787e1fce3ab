/** Owns how a pod that waits is told: for what, in one or two words, and since when. What a person must do stands out. */
import { isPersonsTurn, type WaitReason } from '../../model/message.ts';
import { formatDuration } from '../format.ts';
import type { Terminal } from '../terminal.ts';

const WORDS = {
  permission: 'permission',
  question: 'question',
  idle: 'next prompt',
  rate_limit: 'rate limit',
  compacting: 'compacting',
  api_error: 'API error',
  silent: 'silent',
  lease: 'Redis',
} as const satisfies Record<WaitReason, string>;

export const waitWord = (reason: WaitReason): string => WORDS[reason];

/** A pod, or what stands of it on the bus. */
export interface WaitingSince {
  readonly reason: WaitReason | null;
  /** ISO 8601. */
  readonly since: string | null;
}

const markOf = (reason: WaitReason | null): string => (reason === null || isPersonsTurn(reason) ? '◐' : '…');

const wordsOf = (reason: WaitReason | null): string => {
  if (reason === null) return 'waiting';
  return isPersonsTurn(reason) ? `waiting ${WORDS[reason]}` : WORDS[reason];
};

/** What passes by itself is nothing to look at; what may not, is. */
const styleOf = (reason: WaitReason | null): Parameters<Terminal['paint']>[0] => {
  if (reason === null || isPersonsTurn(reason)) return ['bold', 'magenta'];
  return reason === 'silent' || reason === 'api_error' ? 'yellow' : 'dim';
};

/** `◐` where a person is needed, `…` where it may pass. */
export const waitingMark = (terminal: Terminal, { reason }: WaitingSince): string =>
  terminal.paint(styleOf(reason), markOf(reason));

/** `waiting permission 2m 05s`, `rate limit 12 s` */
export const waitingText = (terminal: Terminal, { reason, since }: WaitingSince, nowMs: number): string => {
  const ms = since === null ? Number.NaN : nowMs - Date.parse(since);
  const lasted = Number.isFinite(ms) ? ` ${formatDuration(Math.max(0, ms))}` : '';
  return terminal.paint(styleOf(reason), `${wordsOf(reason)}${lasted}`);
};
