import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Usage } from '../../model/usage.ts';
import type { PodEnded, PodEvent } from '../../pod/pod-event.ts';
import { columnsOf, printable } from '../format.ts';
import { resolveTerminal, type Terminal } from '../terminal.ts';
import { createPodView, type ViewMode } from './pod-view.ts';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'nika-view-'));
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
  rmSync(dir, { recursive: true, force: true });
});

interface Seen {
  out: string;
  err: string;
}

const view = (mode: ViewMode, more: Partial<Terminal> = {}) => {
  const seen: Seen = { out: '', err: '' };
  const terminal: Terminal = {
    ...resolveTerminal(process),
    env: {},
    columns: 80,
    stdout: Object.create(process.stdout, { isTTY: { value: mode === 'live' } }) as NodeJS.WriteStream,
    paint: (_, text) => text,
    print: (text) => {
      seen.out += text;
    },
    warn: (text) => {
      seen.err += `${text}\n`;
    },
    ...more,
  };
  const { listener, close } = createPodView(terminal, mode);
  return { seen, close, tell: (...events: readonly PodEvent[]) => events.forEach((event) => listener(event, 0)) };
};

const ended = (more: Partial<PodEnded> = {}): PodEnded => ({
  event: 'pod_ended',
  id: 'JOB-x',
  session: 's',
  attempt: 1,
  attempts_left: 0,
  outcome: 'completed',
  exit_code: 0,
  duration_ms: 12,
  calls: 1,
  errors: 0,
  tokens: 0,
  cost_usd: 0,
  unpriced_tokens: 0,
  result: null,
  degraded: [],
  dropped: {},
  channel: join(dir, 'JOB-x.jsonl'),
  log: join(dir, 'log.jsonl'),
  ...more,
});
const started = (what = 'make all'): PodEvent => ({ event: 'tool_started', call: 'c', tool: 'shell', what, step: '1' });
const call = (error?: string, what = 'make all'): PodEvent => ({
  event: 'tool_ended',
  call: 'c',
  tool: 'shell',
  what,
  ok: error === undefined,
  duration_ms: 1234,
  ...(error === undefined ? {} : { error }),
});

describe('the end of a pod', () => {
  it('names only files that are there', () => {
    const without = view('plain');
    without.tell(ended());
    expect(without.seen.out).toContain(`there is no story of it: nothing stands in ${dir}/JOB-x.jsonl`);
    expect(without.seen.out).not.toMatch(/^(story|file|log):/m);
    writeFileSync(join(dir, 'JOB-x.jsonl'), '');
    const with_ = view('plain', { env: { npm_command: 'exec' } });
    with_.tell(ended());
    expect(with_.seen.out).toContain(`story: npx nika bus show JOB-x\nfile: ${dir}/JOB-x.jsonl\n`);
    expect(with_.seen.out).not.toContain('log:');
  });

  it('shows 20 lines of a long result, and says where the rest is', () => {
    const result = Array.from({ length: 160_000 }, (_, at) => `line ${at + 1}`).join('\n');
    const live = view('live');
    live.tell(ended({ result }));
    live.close();
    expect(live.seen.out).toContain('  line 20\n  … 159,980 more lines: --quiet prints all of them\n');
    expect(live.seen.out).not.toContain('line 21');
    const quiet = view('quiet');
    quiet.tell(ended({ result }));
    expect(quiet.seen.out).toBe(`${result}\n`);
  });

  it('tells tokens and cost where there are any; what nobody knows the cost of is not zero', () => {
    const first = (more: Partial<PodEnded>): string | undefined => {
      const { seen, tell } = view('plain');
      tell(ended(more));
      return seen.out.split('\n')[1];
    };
    expect(first({})).toBe('completed in 12 ms · 1 call, 0 errors');
    expect(first({ tokens: 12_345, cost_usd: 0.04 })).toBe('completed in 12 ms · 1 call, 0 errors · 12.3k tok  $0.04');
    expect(first({ tokens: 12_345, cost_usd: 0.04, unpriced_tokens: 9 })).toContain('12.3k tok  ≥ $0.04');
    expect(first({ tokens: 12_345, unpriced_tokens: 12_345 })).toBe(
      'completed in 12 ms · 1 call, 0 errors · 12.3k tok',
    );
  });

  it('tells an error of many lines once, with its indentation', () => {
    const error = 'Exit code 2\nfirst\n\n  second\u001B[31m\r\nthird';
    const { seen, tell } = view('plain');
    tell(call(error), ended({ outcome: 'failed', error: `step build: ${error}` }));
    expect(seen.out).toContain('\n      Exit code 2\n      first\n        second\n      third\n');
    expect(seen.out).toContain('\n  step build: Exit code 2\nthere is no story');
    const refused = view('plain');
    refused.tell(call(), ended({ outcome: 'failed', error: 'step a: one\ntwo' }));
    expect(refused.seen.out).toContain('\n  step a: one\n    two\n');
  });

  it('shows of a very long error its first line and its last ones', () => {
    const { seen, tell } = view('plain');
    tell(call(['Exit code 1', ...Array.from({ length: 30 }, (_, at) => `l${at}`)].join('\n')));
    expect(seen.out.trimEnd().split('\n')).toHaveLength(13);
    expect(seen.out).toContain('      Exit code 1\n      … 20 more lines …\n      l20\n');
  });

  it('says in words what was dropped, and how it ended', () => {
    const { seen, tell } = view('plain');
    tell(ended({ outcome: 'timed_out', dropped: { bodies_cut: 1, bus_lines_dropped: 3 } }));
    expect(seen.out).toContain('failed (timed out) in 12 ms');
    expect(seen.out).toContain(
      'dropped or delayed: 1 long input or output was cut on the record, 3 lines of the bus were lost',
    );
  });
});

describe('--quiet', () => {
  it('says once on standard error that the record is not whole', () => {
    const { seen, tell } = view('quiet');
    const why = 'alpha_bus.jsonl cannot be written: ENOSPC';
    tell({ event: 'degraded', service: 'bus', why }, { event: 'degraded', service: 'bus', why });
    tell(ended({ result: 'all', dropped: { bus_lines_dropped: 3 } }));
    expect(seen).toEqual({ out: 'all\n', err: `nika: bus: ${why}; 3 lines of the bus were lost\n` });
    const well = view('quiet');
    well.tell(ended({ result: 'all' }));
    expect(well.seen).toEqual({ out: 'all\n', err: '' });
  });

  it('takes escapes out of errors, and of the result where a terminal shows it', () => {
    const error = 'step a: \u001B[31mno\u001B]0;x\u0007';
    const piped = view('quiet');
    piped.tell(ended({ outcome: 'failed', error, result: '\u001B[1mbold' }));
    expect(piped.seen).toEqual({ out: '\u001B[1mbold\n', err: 'step a: no\n' });
    const shown = view('quiet', { stdout: Object.create(process.stdout, { isTTY: { value: true } }) });
    shown.tell(ended({ result: '\u001B[1mbold' }));
    expect(shown.seen.out).toBe('bold\n');
  });
});

describe('a call that runs', () => {
  it('gets a line in a pipe after 10 s, and then every 30 s, until it ends', () => {
    const { seen, tell } = view('plain');
    tell(started());
    vi.advanceTimersByTime(9_900);
    expect(seen.out).toBe('');
    vi.advanceTimersByTime(60_200);
    expect(seen.out.match(/still running for .*/g)).toEqual([
      'still running for 10.0 s: shell make all',
      'still running for 40.0 s: shell make all',
      'still running for 1m 10s: shell make all',
    ]);
    tell(call());
    vi.advanceTimersByTime(90_000);
    expect(seen.out.match(/still running/g)).toHaveLength(3);
  });

  it.each([80, 40])(
    'shows its last line of output on a terminal of %d columns, however long its title is',
    (columns) => {
      const { seen, tell, close } = view('live', { columns });
      tell(started('a title that is as long as titles of calls can be, which is eighty characters in'));
      tell({ event: 'tool_output', call: 'c', stream: 'stdout', text: '10 %\r20 %\r\u001B[32m30 %\u001B[0m\n\n' });
      seen.out = '';
      vi.advanceTimersByTime(100);
      expect(seen.out).toContain('30 %');
      expect(columnsOf(printable(seen.out))).toBeLessThan(columns);
      close();
    },
  );

  it.each([200, 80, 60])(
    'has beside it what was used so far, in one row of %d columns where there is room',
    (columns) => {
      const { seen, tell, close } = view('live', { columns });
      tell(started('a title that is as long as titles of calls can be, which is eighty characters in'));
      const more = { tokens: 12_345, cost_usd: 0.04, unpriced_tokens: 0 };
      tell({ event: 'used', usage: {} as Usage, ...more });
      seen.out = '';
      vi.advanceTimersByTime(100);
      expect(seen.out.includes('12.3k tok  $0.04')).toBe(columns > 60);
      expect(columnsOf(printable(seen.out))).toBeLessThan(columns);
      close();
    },
  );

  it.each([200, 80, 59, 40, 30])('takes no more than one row of %d columns', (columns) => {
    const { seen, tell } = view('plain', { columns });
    tell(call(undefined, 'what it is that this call does, told in many words'), call(undefined, '日本語'.repeat(30)));
    for (const row of seen.out.trimEnd().split('\n')) {
      expect(columnsOf(row)).toBeLessThan(columns);
      expect(row).toMatch(/^ {2}✓ shell .*… +1\.2 s$|^ {2}✓ shell +\S.* +1\.2 s$/);
    }
  });
});
