import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { NikaError } from '../../model/error.ts';
import { type FilterFlags, parseFilter } from './recall-filter.ts';

const nowhere = join(tmpdir(), 'nika-no-such-bus');
const parse = (flags: FilterFlags) => parseFilter(flags, nowhere);

const refusalOf = async (flags: FilterFlags): Promise<NikaError> => {
  const thrown: unknown = await parse(flags).catch((error: unknown) => error);
  if (!(thrown instanceof NikaError)) throw new Error(`it was taken: ${JSON.stringify(thrown)}`);
  return thrown;
};

it('makes of each flag the condition of its name', async () => {
  const job = 'JOB-20260401-k3f9xq2m';
  const session = '019AB3C4-5d6e-4f80-9a1b-2c3d4e5f6071';
  const given: FilterFlags = {
    type: ['job', 'TASK'],
    status: ['failed', 'created'],
    domain: ['hooks'],
    intent: ['fix'],
    job: ['repo-audit'],
    agent: ['codex'],
    model: ['opus'],
    tool: ['Bash'],
    host: ['vm'],
    role: ['reviewer'],
    tag: ['a', 'b'],
    entity: [job],
    root: [job],
    parent: [job],
    session: [session],
  };
  const { type: _, ...same } = given;
  expect(await parse(given)).toEqual({ ...same, kind: ['job', 'task'], session: [session.toLowerCase()] });
});

it('takes --to as the moment when the time ends, and --until as other commands do', async () => {
  const april = { fromMs: Date.UTC(2026, 3), untilMs: Date.UTC(2026, 4) };
  expect(await parse({ from: '2026-04-01', to: '2026-05-01' })).toEqual(april);
  expect(await parse({ from: '2026-04', to: '2026-05' })).toEqual(april);
  expect(await parse({ since: '2026-04', until: '2026-04' })).toEqual(april);
  const { fromMs = 0 } = await parse({ from: '3d' });
  expect(Math.abs(Date.now() - 3 * 86_400_000 - fromMs)).toBeLessThan(5_000);
});

it.each<[FilterFlags, RegExp, RegExp]>([
  [{ type: ['jobs'] }, /--type does not know "jobs"/, /job, task.*Did you mean job\?/],
  [{ status: ['faild'] }, /--status does not know "faild"/, /Did you mean failed\?/],
  [{ from: 'yesterday' }, /--from does not know the time "yesterday"/, /2026-04-12/],
  [{ to: '2026-04-31' }, /--to does not know the time/, /2026-04/],
  [
    { from: '2026-05', to: '2026-04' },
    /--from 2026-05 is not before --to 2026-04/,
    /--from 2026-04-01 --to 2026-05-01/,
  ],
  [{ from: '2026-04-01', to: '2026-04-01' }, /is not before/, /when the time ends/],
  [{ from: '3d', since: '3d' }, /exclude each other/, /one of the two/],
  [{ session: ['7'] }, /whole id of a session/, /nika bus show/],
  [{ domain: [''] }, /--domain takes 1 to 200 characters/, /leave it out/],
  [{ tag: ['x'.repeat(201)] }, /--tag takes 1 to 200/, /leave it out/],
  [{ tag: Array.from({ length: 101 }, (_, n) => `t${n}`) }, /--tag/, /fewer/],
])('refuses %j and says what to do', async (flags, why, remedy) => {
  const refusal = await refusalOf(flags);
  expect(refusal.exitCode).toBe(2);
  expect(refusal.message).toMatch(why);
  expect(refusal.remedy).toMatch(remedy);
});
