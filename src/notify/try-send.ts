/** Owns one try to tell somebody by a way, whichever it is. */
import type { NotifyTarget } from '../config/notify/notify-settings.ts';
import type { SendOutcome } from './ways/outcome.ts';
import { tryCommand, tryDesktop } from './ways/program-way.ts';
import type { Place } from './ways/text-source.ts';
import { tryWebhook, type WebhookCall } from './ways/webhook.ts';

/** Never rejects. */
export const trySend = (
  target: NotifyTarget,
  call: WebhookCall,
  place: Place,
  signal: AbortSignal,
): Promise<SendOutcome> => {
  switch (target.kind) {
    case 'desktop':
      return tryDesktop(call.notice, place, signal);
    case 'command':
      return tryCommand(target.argv, call.notice, place, signal);
    case 'webhook':
      return tryWebhook(target, call, place, signal);
  }
};
