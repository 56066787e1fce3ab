import { describe, expect, it } from 'vitest';
import type { BusLine } from '../../bus/line.ts';
import { bodyText, gistOf, lineRow, shortEntity } from './bus-line-view.ts';

const line = (type: string, data: Readonly<Record<string, unknown>>): BusLine => ({
  ts: '2026-11-20T11:27:03.123Z',
  type,
  entity: 'JOB-20261120-k3f9xq2m',
  writer: 'w',
  seq: 1,
  id: 'i',
  meta: {},
  data,
  h: '',
});

const call = (data: object): BusLine => line('tool_call', { tool_name: 'Bash', ok: true, duration_ms: 1234, ...data });

describe('the gist of a line', () => {
  it.each<[string, BusLine, string]>([
    ['a call by what it is about', call({ tool_input: { command: 'npm  test\n-- x' } }), 'Bash npm test -- x, 1.2 s'],
    ['an argv list', call({ tool_input: { argv: ['git', 'log'] } }), 'Bash git log, 1.2 s'],
    ['an input of its own kind', call({ tool_input: { a: 1 } }), 'Bash {"a":1}, 1.2 s'],
    [
      'a failed call by its error',
      call({ ok: false, error: 'Exit code 1', tool_input: 'x' }),
      'Bash x: Exit code 1, 1.2 s',
    ],
    ['a transition', line('job_failed', { to: 'failed', error: 'it broke' }), 'failed: it broke'],
    [
      'a job over its limit',
      line('job_failed', { to: 'failed', code: 'limit', error: 'x' }),
      'failed (over a limit): x',
    ],
    [
      'a Ctrl-C',
      line('job_cancelled', { to: 'cancelled', reason: 'interrupted by SIGINT' }),
      'cancelled (interrupted): interrupted by SIGINT',
    ],
    ['a state with its name', line('entity_created', { to: 'created', name: 'audit' }), 'created audit'],
    ['a session', line('session_start', { kind: 'pod', cwd: '/w' }), 'pod in /w'],
    [
      'its end',
      line('session_end_summary', {
        outcome: 'timed_out',
        exit_code: 3,
        duration_ms: 10,
        calls: 2,
        errors: 1,
        dropped: { bodies_cut: 2 },
      }),
      'failed (timed out), exit 3, 10 ms, 2 calls, 1 error, 2 long inputs or outputs were cut on the record',
    ],
    [
      'an outage',
      line('outage', {
        service: 'bus',
        since: '2026-01-01T00:00:00Z',
        until: '2026-01-01T00:00:03Z',
        cause: 'ENOSPC',
        buffered: 2,
        replayed: 2,
        dropped: 0,
      }),
      'bus: 3.0 s ENOSPC, buffered 2, replayed 2, dropped 0',
    ],
    ['a type that nobody knows', line('telepathy', { text: 'hi' }), '{"text":"hi"}'],
    ['what is damaged', line('tool_call', {}), ''],
    ['what is of other types than it should be', line('note', { text: { a: 1 } }), ''],
  ])('tells %s', (_what, line, gist) => {
    expect(gistOf(line)).toBe(gist);
  });

  it('tells a long body by its head and size', () => {
    expect(bodyText({ $blob: 'ab', bytes: 123_456, head: '"it begins' })).toBe('"it begins… (123 kB)');
  });

  it('cannot steer the terminal, whatever stands on the bus', () => {
    const bad = '\u001B[2J\u001B]0;title\u0007\r\u202Eevil';
    const shown = lineRow({ ...line(`note${bad}`, { text: bad }), ts: bad, entity: `JOB-${bad}` }, 500);
    // eslint-disable-next-line no-control-regex -- looking for them is what it is for
    expect(shown).not.toMatch(/[\u0000-\u001F\u007F-\u009F\u202E]/);
  });

  it('fits the terminal', () => {
    const row = lineRow(line('note', { text: 'x'.repeat(5000) }), 80);
    expect(row).toHaveLength(80);
    expect(row).toMatch(/^11-20 11:27:03 {2}JOB k3f9xq2m {4}note {2}x+…$/);
  });

  it('says on a narrow terminal what counts', () => {
    const shown = (one: BusLine): string => lineRow(one, 40);
    expect(shown(line('job_failed', { to: 'failed', code: 'timed_out', error: 'too slow' }))).toBe(
      '11:27:03 k3f9xq2m failed (timed out): t…',
    );
    expect(shown(call({ ok: false, tool_input: { command: 'make all' } }))).toBe(
      '11:27:03 k3f9xq2m ✗ Bash make all, 1.2 s',
    );
    expect(shown(line('note', { text: 'hi' }))).toBe('11:27:03 k3f9xq2m note: hi');
    expect(shown(line('telepathy', { text: 'hi' }))).toBe('11:27:03 k3f9xq2m telepathy: {"text":"h…');
  });
});

it('an entity is short by what a person types to name it', () => {
  expect(shortEntity('JOB-20261120-k3f9xq2m')).toBe('JOB k3f9xq2m');
  expect(shortEntity('PROJ-hooks-refactor')).toBe('PROJ hooks-refactor');
});
