/** Owns one try to tell somebody by a way, whichever it is. */
import type { NotifyWay } from '../config/notify/notify-settings.ts';
import type { SendOutcome } from './ways/outcome.ts';
import { tryCommand, tryDesktop } from './ways/program-way.ts';
import type { Place } from './ways/text-source.ts';
import { tryWebhook, type WebhookCall } from './ways/webhook.ts';

/** Within the time limit of the way. Never rejects. */
export const trySend = (
  { target, timeoutMs }: Pick<NotifyWay, 'target' | 'timeoutMs'>,
  { id, notice }: Omit<WebhookCall, 'withinMs'>,
  place: Place,
  signal: AbortSignal,
): Promise<SendOutcome> => {
  const call = { id, notice, withinMs: timeoutMs };
  switch (target.kind) {
    case 'desktop':
      return tryDesktop(call, place, signal);
    case 'command':
      return tryCommand(target.argv, call, place, signal);
    case 'webhook':
      return tryWebhook(target, call, place, signal);
  }
};
