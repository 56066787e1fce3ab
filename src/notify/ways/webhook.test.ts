import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { noticeFixture } from '../../../test/fixtures/notice.ts';
import { freePort } from '../../../test/servers/redis.ts';
import { type Answer, isSigned, WebhookServer } from '../../../test/servers/webhook.ts';
import { notifySchema, type WebhookTarget } from '../../config/notify/notify-settings.ts';
import type { SendOutcome } from './outcome.ts';
import { tryWebhook } from './webhook.ts';

const SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';

let dir = '';
let server: WebhookServer;
beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'nika-webhook-'));
  server = await WebhookServer.open();
});
afterEach(async () => {
  await server[Symbol.asyncDispose]();
  rmSync(dir, { recursive: true, force: true });
});

const targetOf = (webhook: object): WebhookTarget => {
  const [way] = notifySchema.parse([{ webhook }]);
  if (way?.target.kind !== 'webhook') throw new Error('no webhook');
  return way.target;
};

const send = (webhook: object, env: Readonly<Record<string, string>> = {}, withinMs = 10_000) =>
  tryWebhook(
    targetOf(webhook),
    { id: 'msg_1', notice: noticeFixture(), withinMs },
    { env, dir },
    new AbortController().signal,
  );

describe('a webhook', () => {
  it('is a POST of JSON that whoever has the secret can verify, by the formula of Standard Webhooks', async () => {
    const webhook = { url: server.url, secret: { env: 'HOOK_SECRET' } };
    expect(await send(webhook, { HOOK_SECRET: SECRET })).toEqual({ kind: 'sent' });
    const [taken] = server.taken;
    if (taken === undefined) throw new Error('nothing came');
    expect(taken.headers).toMatchObject({ 'content-type': 'application/json', 'webhook-id': 'msg_1' });
    expect(isSigned(taken, SECRET)).toBe(true);
    expect(isSigned({ ...taken, body: taken.body.replace('permission', 'PERMISSION') }, SECRET)).toBe(false);
    expect(isSigned(taken, 'whsec_c29tZSBvdGhlciBzZWNyZXQ=')).toBe(false);
    const notice = noticeFixture();
    expect(taken.json).toEqual({ type: 'pod.waiting', timestamp: notice.at, data: notice });
  });

  it('is not signed without a secret; headers and address may stand elsewhere', async () => {
    writeFileSync(join(dir, 'token'), 'Bearer abc\n');
    const webhook = { url: { env: 'WHERE' }, headers: { authorization: { file: 'token' }, 'x-team': 'ops' } };
    expect(await send(webhook, { WHERE: `${server.url}/here?x=1` })).toEqual({ kind: 'sent' });
    const [taken] = server.taken;
    expect(taken?.headers).toMatchObject({ authorization: 'Bearer abc', 'x-team': 'ops' });
    expect(taken?.headers['webhook-signature']).toBeUndefined();
    expect(taken?.path).toBe('/hook/here?x=1');
  });

  it('has the form of Slack where it is wanted, with its marks escaped', async () => {
    await send({ url: server.url, format: 'slack' });
    expect(server.taken[0]?.json).toEqual({
      text: '*build waits for permission*\nasks: shell make &lt;deploy&gt; &amp; more\nnika pod allow k3f9',
    });
  });

  it.each([
    [500, { kind: 'failed', why: 'HTTP 500' }],
    [429, { kind: 'failed', why: 'HTTP 429' }],
    [408, { kind: 'failed', why: 'HTTP 408' }],
    [
      { status: 503, headers: { 'retry-after': '120' } },
      { kind: 'failed', why: 'HTTP 503', retryAfterMs: 120_000 },
    ],
    [404, { kind: 'refused', why: 'HTTP 404' }],
    [410, { kind: 'refused', why: 'HTTP 410' }],
    [
      { status: 302, headers: { location: '/x' } },
      { kind: 'refused', why: expect.stringContaining('HTTP 302') },
    ],
    ['reset', { kind: 'failed', why: expect.stringMatching(/ECONNRESET|other side closed/) }],
    [{ status: 204, afterMs: 50 }, { kind: 'sent' }],
  ] as readonly (readonly [Answer, SendOutcome])[])('answered by %j comes to %j', async (answer, outcome) => {
    server.answers = [answer];
    expect(await send({ url: server.url })).toEqual(outcome);
  });

  it('that hangs is given up at its time limit', async () => {
    server.answers = ['hang'];
    const outcome = await send({ url: server.url }, {}, 200);
    expect(outcome).toEqual({ kind: 'failed', why: 'no answer within 0.2 s' });
  });

  it('G7: tells of a failure neither address nor secret, whatever failed', async () => {
    const port = await freePort();
    const secretPath = 'T000/B000/verysecret';
    const outcomes = [
      await send({ url: `http://127.0.0.1:${port}/${secretPath}` }),
      await send({ url: { env: 'WHERE' } }, { WHERE: `not a url ${secretPath}` }),
      await send({ url: server.url, secret: { env: 'NOT_SET' } }),
      await send({ url: server.url, secret: { file: 'missing' } }),
      await send({ url: server.url, headers: { a: { env: 'BAD' } } }, { BAD: `${secretPath}\nx` }),
    ];
    expect(outcomes).toMatchObject([
      { why: 'ECONNREFUSED' },
      { why: 'its address is none' },
      { why: 'NOT_SET is not set in the environment' },
      { why: 'missing cannot be read (ENOENT)' },
      { why: 'the header a holds what no header may hold' },
    ]);
    expect(JSON.stringify(outcomes)).not.toContain('verysecret');
    expect(server.taken).toEqual([]);
  });
});
