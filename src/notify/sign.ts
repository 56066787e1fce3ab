/** Owns the signature of a webhook by Standard Webhooks (standardwebhooks.com), symmetric. Pure. */
import { createHmac } from 'node:crypto';
import type { Secret } from '../model/secret.ts';

const PREFIX = 'whsec_';

/** `whsec_` and base64 as the specification has it; else the bytes of the text. */
const keyOf = (secret: string): Buffer =>
  secret.startsWith(PREFIX) ? Buffer.from(secret.slice(PREFIX.length), 'base64') : Buffer.from(secret, 'utf8');

export interface Signed {
  readonly id: string;
  /** Of this try. */
  readonly timestampS: number;
  readonly body: string;
}

/** The value of `webhook-signature`. */
export const signWebhook = (secret: Secret, { id, timestampS, body }: Signed): string => {
  const mac = createHmac('sha256', keyOf(secret.reveal())).update(`${id}.${timestampS}.${body}`);
  return `v1,${mac.digest('base64')}`;
};
