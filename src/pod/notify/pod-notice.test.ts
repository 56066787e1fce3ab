import { describe, expect, it } from 'vitest';
import { END_FIXTURE, noticeFixture } from '../../../test/fixtures/notice.ts';
import { WAIT_REASONS } from '../../model/message.ts';
import { noticeSchema } from '../../model/notice.ts';
import { budgetNotice, endNotice, lostNotice, waitingNotice } from './pod-notice.ts';

const { pod } = noticeFixture();
const waiting = { reason: 'permission', why: 'asks: shell make', since: '2026-11-20T11:27:00.000Z', more: 0 } as const;

describe('a notification', () => {
  it('says what it is about in a line, and what to do next', () => {
    const ended = endNotice('failed', pod, END_FIXTURE);
    expect([ended.title, ended.text]).toEqual(['build failed after 1m5s', 'Exit code 1\nnika pod show k3f9xq2m']);
    const done = { ...END_FIXTURE, error: null, result: { gist: 'all green' }, duration_ms: 400 };
    const finished = endNotice('finished', pod, done);
    expect([finished.title, finished.text]).toEqual([
      'build finished after 400ms',
      '{"gist":"all green"}\nnika pod show k3f9xq2m',
    ]);
    expect(endNotice('budget', pod, END_FIXTURE).title).toBe('build stopped at its limit after 1m5s');
    expect(lostNotice(pod, END_FIXTURE, 2).text).toBe('Exit code 1\n2 attempts left: nika pod restart k3f9xq2m');
    expect(budgetNotice(pod, '80 % of $5').text).toBe('80 % of $5\nnika pod show k3f9xq2m');
  });

  it('names the commands that answer only where nika takes the answer', () => {
    const next = (isAsked: boolean) => waitingNotice(pod, waiting, isAsked).text.split('\n').at(-1);
    expect(next(true)).toBe('nika pod allow k3f9xq2m, nika pod deny k3f9xq2m');
    expect(next(false)).toBe('nika pod show k3f9xq2m');
    const titles = WAIT_REASONS.map((reason) => waitingNotice(pod, { ...waiting, reason }, false).title);
    expect(new Set(titles).size).toBe(WAIT_REASONS.length);
    expect(waitingNotice(pod, { ...waiting, more: 3 }, true).text).toContain('\nand 3 more\n');
  });

  it('is of its schema, and short, whatever the pod says', () => {
    const long = { ...END_FIXTURE, error: 'x'.repeat(9000) };
    const all = [
      endNotice('failed', pod, long),
      lostNotice(pod, long, 0),
      waitingNotice(pod, waiting, true),
      budgetNotice(pod, ''),
    ];
    for (const notice of all) expect(noticeSchema.parse(notice)).toEqual(notice);
    expect(Math.max(...all.map(({ title, text }) => title.length + text.length))).toBeLessThan(1_200);
  });
});
