/**
 * Owns the telling by a webhook: one signed request, and what its answer means.
 *
 * H1. No address, header or secret of the settings stands in what is told of a failure (G7): only its host.
 */
import type { WebhookTarget } from '../../config/notify/notify-settings.ts';
import { readVersion } from '../../config/package-root.ts';
import { errnoOf, errorMessage } from '../../model/error.ts';
import type { Notice } from '../../model/notice.ts';
import { Secret } from '../../model/secret.ts';
import { parseRetryAfter } from '../retry.ts';
import { signWebhook } from '../sign.ts';
import type { SendOutcome } from './outcome.ts';
import { type Place, tryReadText } from './text-source.ts';

export interface WebhookCall {
  /** The same for each try. */
  readonly id: string;
  readonly notice: Notice;
  readonly withinMs: number;
}

/** As Slack has it; others that take its form ignore what they do not know. */
const forSlack = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

const bodyOf = ({ format }: WebhookTarget, notice: Notice): string => {
  const { title, text, on, at } = notice;
  if (format === 'slack') return JSON.stringify({ text: `*${forSlack(title)}*\n${forSlack(text)}` });
  return JSON.stringify({ type: `pod.${on}`, timestamp: at, data: notice });
};

interface Request {
  readonly url: string;
  readonly headers: Headers;
  readonly body: string;
}

const resolveHeaders = (target: WebhookTarget, place: Place): Headers | { readonly why: string } => {
  const headers = new Headers();
  for (const [name, source] of Object.entries(target.headers)) {
    const read = tryReadText(source, place);
    if (!read.ok) return { why: read.why };
    try {
      headers.set(name, read.text);
    } catch {
      return { why: `the header ${name} holds what no header may hold` };
    }
  }
  return headers;
};

const resolveRequest = (
  target: WebhookTarget,
  { id, notice }: WebhookCall,
  place: Place,
): Request | { readonly why: string } => {
  const url = tryReadText(target.url, place);
  if (!url.ok) return { why: url.why };
  if (!/^https?:$/.test(URL.parse(url.text)?.protocol ?? '')) return { why: 'its address is none' };
  const secret = target.secret === undefined ? undefined : tryReadText(target.secret, place);
  if (secret?.ok === false) return { why: secret.why };
  const headers = resolveHeaders(target, place);
  if ('why' in headers) return headers;
  const body = bodyOf(target, notice);
  const timestampS = Math.floor(Date.now() / 1000);
  headers.set('content-type', 'application/json');
  headers.set('user-agent', `nika/${readVersion()}`);
  headers.set('webhook-id', id);
  headers.set('webhook-timestamp', String(timestampS));
  if (secret !== undefined)
    headers.set('webhook-signature', signWebhook(new Secret(secret.text), { id, timestampS, body }));
  return { url: url.text, headers, body };
};

/** Not now: a time-out of the server, too early, too many. */
const MAY_PASS: readonly number[] = [408, 425, 429];

const judge = ({ status, headers }: Response): SendOutcome => {
  if (status >= 200 && status < 300) return { kind: 'sent' };
  if (status >= 300 && status < 400)
    return { kind: 'refused', why: `HTTP ${status}: it sends on to another address; name that one` };
  if (status < 500 && !MAY_PASS.includes(status)) return { kind: 'refused', why: `HTTP ${status}` };
  const retryAfterMs = parseRetryAfter(headers.get('retry-after'), Date.now());
  return { kind: 'failed', why: `HTTP ${status}`, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) };
};

/** H1: what fetch says may hold the address. */
const whyNotSent = (thrown: unknown): string => {
  const cause = thrown instanceof Error && thrown.cause !== undefined ? thrown.cause : thrown;
  const first: unknown = cause instanceof AggregateError ? (cause.errors[0] ?? cause) : cause;
  const code = errnoOf(first);
  if (code !== undefined && !code.startsWith('UND_')) return code;
  const message = errorMessage(first);
  return message.includes('//') ? 'the request failed' : message;
};

/** One try. Never rejects. */
export const tryWebhook = async (
  target: WebhookTarget,
  call: WebhookCall,
  place: Place,
  signal: AbortSignal,
): Promise<SendOutcome> => {
  const request = resolveRequest(target, call, place);
  if ('why' in request) return { kind: 'failed', why: request.why };
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(), call.withinMs);
  try {
    const { url, headers, body } = request;
    const within = AbortSignal.any([signal, late.signal]);
    const answer = await fetch(url, { method: 'POST', headers, body, redirect: 'manual', signal: within });
    await answer.body?.cancel();
    return judge(answer);
  } catch (thrown) {
    if (signal.aborted) return { kind: 'failed', why: 'ended before it was answered' };
    const why = late.signal.aborted ? `no answer within ${call.withinMs / 1000} s` : whyNotSent(thrown);
    return { kind: 'failed', why };
  } finally {
    clearTimeout(timer);
  }
};
