import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { noticeFixture } from '../../test/fixtures/notice.ts';
import { notifySchema, type NotifyWay } from '../config/notify/notify-settings.ts';
import { Sender } from './sender.ts';
import {
  createSpooled,
  listSpool,
  prepareSpool,
  readSpooled,
  rewriteSpooled,
  type SpooledFile,
  trySpool,
} from './spool.ts';
import { readState } from './state.ts';
import { keyOf, nameOf } from './way.ts';
import type { SendOutcome } from './ways/outcome.ts';

const LINGER_MS = 60;

let dir = '';
const stop = { signal: new AbortController().signal };
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'nika-sender-'));
  prepareSpool(dir);
  onLog = () => undefined;
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const ways: readonly NotifyWay[] = notifySchema.parse([
  { webhook: { url: 'https://a.example.com' } },
  { command: ['./tell.sh'] },
]);
const [webhook, command] = ways;
if (webhook === undefined || command === undefined) throw new Error('no ways');

const spool = async (id: string, { target }: NotifyWay, change: Partial<SpooledFile> = {}): Promise<void> => {
  const spooled = createSpooled(noticeFixture(), `msg_${id}`, { key: keyOf(target), name: nameOf(target) });
  expect(await trySpool(dir, { ...spooled, ...change }, stop.signal)).toEqual({ kind: 'spooled' });
};

type Send = (id: string, tries: number) => SendOutcome | Promise<SendOutcome>;

const logged: string[] = [];
let onLog = (): void => undefined;
const run = async (send: Send, loadWays = () => ways): Promise<Sender> => {
  logged.length = 0;
  using sender = new Sender({
    dir,
    loadWays,
    send: async (_target, { id, tries }) => send(id.slice('msg_'.length), tries),
    log: (level, message, { id, why }) => {
      logged.push([level, message, id, why].filter(Boolean).join(' '));
      onLog();
    },
    lingerMs: LINGER_MS,
  });
  await sender.run(stop.signal);
  return sender;
};

const SENT: SendOutcome = { kind: 'sent' };

describe('the sender', () => {
  it('sends what waits once, the oldest first, tells what came of it, and ends', async () => {
    await spool('b', command, { created_at: '2026-11-20T11:00:02.000Z' });
    await spool('a', command, { created_at: '2026-11-20T11:00:01.000Z' });
    const sent: string[] = [];
    const sender = await run((id) => (sent.push(id), SENT));
    expect([sent, listSpool(dir), sender.isAnythingLeft]).toEqual([['a', 'b'], [], false]);
    expect(logged).toEqual(['info sent msg_a', 'info sent msg_b']);
    expect(readState(dir)[keyOf(command.target)]).toMatchObject({ name: 'command ./tell.sh', sent: 2, failed: 0 });
  });

  it('sends what comes when all was sent', async () => {
    await spool('first', webhook);
    const sent: string[] = [];
    const second = createSpooled(noticeFixture(), 'msg_second', { key: keyOf(webhook.target), name: 'webhook' });
    onLog = () => {
      if (sent.length === 1) rewriteSpooled(dir, { ...second, file: 'msg_second.x.json' });
    };
    await run((id) => (sent.push(id), SENT));
    expect(sent).toEqual(['first', 'second']);
  });

  it('is not held by a way that hangs, and sends several at once by one', async () => {
    const hanging = Promise.withResolvers<SendOutcome>();
    await spool('hangs', webhook, { created_at: '2026-11-20T11:00:00.000Z' });
    for (const id of ['w1', 'w2', 'w3', 'w4']) await spool(id, webhook);
    await spool('c1', command);
    const sent: string[] = [];
    const running = run((id) => (id === 'hangs' ? hanging.promise : (sent.push(id), SENT)));
    await vi.waitFor(() => expect(sent.toSorted()).toEqual(['c1', 'w1', 'w2', 'w3', 'w4']));
    hanging.resolve(SENT);
    await running;
    expect(listSpool(dir)).toEqual([]);
  });

  it('counts a try before it begins, and tries again after a second', async () => {
    await spool('a', webhook);
    const file = listSpool(dir)[0] ?? '';
    const onDisk: unknown[] = [];
    await run((_, tries) => {
      onDisk.push(readSpooled(dir, file));
      return tries === 1 ? { kind: 'failed', why: 'HTTP 503' } : SENT;
    });
    expect(onDisk).toMatchObject([
      { tries: 1, last_error: null },
      { tries: 2, last_error: 'HTTP 503', next_at: expect.stringMatching(/^20/) },
    ]);
    expect(logged).toEqual(['warn not sent at try 1 of 6 msg_a HTTP 503', 'info sent msg_a']);
    expect(readState(dir)[keyOf(webhook.target)]).toMatchObject({ sent: 1, failed: 1, given_up: 0 });
  });

  it('gives up what is refused, what was tried six times, what is too old, and what no way is left for', async () => {
    await spool('refused', webhook);
    await spool('sixth', webhook, { tries: 5 });
    await spool('old', webhook, { created_at: '2020-01-01T00:00:00.000Z' });
    await spool('homeless', webhook, { way: 'ffffffffffff' });
    await run((id) => ({ kind: id === 'refused' ? 'refused' : 'failed', why: 'HTTP 5xx' }));
    expect(listSpool(dir)).toEqual([]);
    expect(logged.toSorted()).toEqual([
      'error given up msg_homeless the settings name no such way any more',
      'error given up msg_old HTTP 5xx',
      'error given up msg_refused HTTP 5xx',
      'error given up msg_sixth HTTP 5xx',
    ]);
    expect(readState(dir)[keyOf(webhook.target)]).toMatchObject({
      given_up: 3,
      last_failure: { what: 'waiting JOB-20261120-k3f9xq2m', why: 'HTTP 5xx' },
    });
  });

  it('reads the settings again for a way that it does not know', async () => {
    await spool('a', command, { next_at: new Date(Date.now() + 1_100).toISOString() });
    let known = [command];
    const sent: string[] = [];
    onLog = () => {
      if (sent.length > 1) return;
      known = [webhook, command];
      const later = createSpooled(noticeFixture(), 'msg_b', { key: keyOf(webhook.target), name: 'webhook' });
      rewriteSpooled(dir, { ...later, file: 'msg_b.x.json' });
    };
    await run(
      (id) => (sent.push(id), SENT),
      () => known,
    );
    expect(sent).toEqual(['a', 'b']);
  });

  it('leaves a server alone for as long as it wishes, with all that is for it', async () => {
    await spool('a', webhook);
    const times: [string, number][] = [];
    await run((id, tries) => {
      times.push([id, performance.now()]);
      if (id !== 'a' || tries > 1) return SENT;
      setTimeout(() => void spool('b', webhook), 20); // comes while the server is to be left alone
      return { kind: 'failed', why: 'HTTP 429', retryAfterMs: 1_500 };
    });
    const at = (name: string, nth = 0): number => times.filter(([id]) => id === name)[nth]?.[1] ?? Number.NaN;
    expect(at('b') - at('a')).toBeGreaterThan(1_400);
    expect(at('a', 1) - at('a')).toBeGreaterThan(1_400);
  });

  it('takes away a file that nobody can read, and says so', async () => {
    writeFileSync(join(dir, 'msg_x.0.json'), '{"v":1,');
    await spool('a', webhook);
    await run(() => SENT);
    expect(logged).toEqual(['error a notification cannot be read, and is gone', 'info sent msg_a']);
    expect(listSpool(dir)).toEqual([]);
  });

  it('goes on after one that was killed: what was tried before counts, and is not due at once', async () => {
    const soon = new Date(Date.now() + 300).toISOString();
    await spool('a', webhook, { tries: 3, next_at: soon });
    let tries = 0;
    await run((_, count) => ((tries = count), SENT));
    expect(tries).toBe(4);
    expect(Date.now()).toBeGreaterThanOrEqual(Date.parse(soon));
    expect(readFileSync(join(dir, 'state.json'), 'utf8')).toContain('"sent":1');
  });
});
