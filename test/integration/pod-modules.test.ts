import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { TestHome } from '../nika.ts';
import { endPods, recordOf, untilStatus } from '../pods.ts';

let home: TestHome;
beforeEach(() => {
  home = new TestHome();
});
afterEach(async () => {
  await endPods(home);
  home[Symbol.dispose]();
});

const run = (source: string, more = '') => {
  writeFileSync(join(home.dir, 'config/jobs/m.mjs'), source);
  writeFileSync(
    join(home.dir, 'config/jobs/m.yaml'),
    `name: m\ndescription: x\ndomain: a\nintent: b\nmodule: ./m.mjs\n${more}`,
  );
  return home.nika('pod', 'start', 'm', '--id', 'JOB-m', '-q');
};
const notes = () =>
  home.lines('channels/JOB-m.jsonl').flatMap(({ type, data }) => (type === 'note' ? [String(data['text'])] : []));
const dropped = () => home.alpha.find(({ type }) => type === 'session_end_summary')?.data['dropped'];
const errorOf = () => recordOf(home, 'JOB-m')?.end?.error;

describe('what a module says without waiting', () => {
  it('arrives whole and in order, also 40,000 notes of a loop that never lets go', async () => {
    const { code } = await run(`export const run = async (pod) => {
  for (let at = 0; at < 40_000; at += 1) pod.note(at + ' ' + 'x'.repeat(1000));
  await pod.tool('after', () => 1)();
  pod.note('last');
  return 'done';
};`);
    expect(code).toBe(0);
    const channel = home.channels.filter(({ type }) => type === 'note' || type === 'tool_call');
    expect(channel.length).toBe(40_002);
    const isInOrder = notes().every((text, at) => text.startsWith(at === 40_000 ? 'last' : `${at} `));
    expect([isInOrder, channel.at(-2)?.type]).toEqual([true, 'tool_call']);
    expect(dropped()).not.toHaveProperty('module_notes_lost');
  });

  it('is counted where it does not fit: a note that is cut, notes beyond all bounds', async () => {
    const { code } = await run(`export const run = async (pod) => {
  pod.note('y'.repeat(20_000_000));
  pod.note(1n);
  pod.note('of no level that there is', 'loud');
  const long = 'z'.repeat(60_000);
  for (let at = 0; at < 1300; at += 1) pod.note(long);
};`);
    expect(code).toBe(0);
    const { module_notes_lost: lost, module_notes_cut: cut } = dropped() as Record<string, number>;
    expect(cut).toBe(1);
    expect(lost).toBeGreaterThan(1); // beyond all bounds
    expect(lost).toBeLessThan(400);
    expect(notes().length + (lost ?? 0)).toBe(1303);
  });

  it.each([
    ['pod.result({ x: 10n })', /the result is no JSON: .*BigInt/],
    ["pod.result('x'.repeat(20_000_000))", /the result has 20000002 bytes of JSON/],
    ['return { x: 10n }', /the result is no JSON: .*BigInt/],
    ["return 'x'.repeat(20_000_000)", /the result has 20000002 bytes of JSON/],
  ])('is refused where it cannot be the result: %s', async (statement, sentence) => {
    const { code } = await run(`export const run = async (pod) => { ${statement}; };`);
    expect([code, errorOf()]).toEqual([1, expect.stringMatching(sentence)]);
  });

  it('may be a result that is changed afterwards: it is told as it was', async () => {
    const { code, stdout } = await run(`export const run = async (pod) => {
  const value = { a: 1 };
  pod.note('before');
  pod.result(value);
  value.a = 2n;
};`);
    expect([code, stdout]).toEqual([0, 'a: 1\n']);
  });
});

describe('the channel of a module', () => {
  it.each([
    ['closed', 'fs.closeSync(3)'],
    ['written to', "fs.writeSync(3, 'no frame at all')"],
  ])('broken because it was %s is named as what broke', async (_how, statement) => {
    const { code, stderr } = await run(`import fs from 'node:fs';
export const run = async (pod) => {
  ${statement};
  await pod.tool('t', () => 1)();
};`);
    expect([code, errorOf()]).toEqual([1, expect.stringContaining('(file descriptor 3) broke')]);
    expect(stderr).not.toContain('SIGKILL');
  });
});

describe('the signal of a module', () => {
  it('carries an Error that says why, as text and as data', async () => {
    const { code } = await run(
      `export const run = async (pod) => {
  await new Promise((resolve) => pod.signal.addEventListener('abort', resolve));
  const { reason } = pod.signal;
  pod.note(JSON.stringify([reason instanceof Error, reason.message, reason.cause]));
};`,
      'timeout: 1s\n',
    );
    expect(code).toBe(3);
    expect(notes().map((text) => JSON.parse(text))).toEqual([
      [true, 'timed out after 1 s', { kind: 'timed_out', afterMs: 1000 }],
    ]);
  });
});

describe('what stands beside the bus of a pod', () => {
  it('holds no secret: neither its names and inputs, nor why it waits, what failed and how it ended', async () => {
    const key = `AKIA${'Q7'.repeat(8)}`;
    const running = run(
      `export const run = async (pod) => {
  const key = 'AKIA' + 'Q7'.repeat(8);
  pod.note(key);
  await pod.task('task ' + key, () => pod.tool('t-' + key, (x) => x)(key));
  await pod.tool('hooked', (x) => x)('in ' + key);
  await pod.tool('ask-' + key, (x) => x)('for ' + key).catch(() => undefined);
  pod.result(key);
  throw new Error('at ' + key);
};`,
      `policy: { ask: ['ask-*'] }\nhooks: { pre: [{ match: hooked, command: [sh, -c, 'exit 9 # ${key}'] }] }\n`,
    );
    await untilStatus(home, 'JOB-m', 'waiting');
    const seen = [await home.nika('pod', 'ls', '--json'), await home.nika('pod', 'show', 'JOB-m', '--json')];
    await home.nika('pod', 'deny', 'JOB-m');
    expect((await running).code).toBe(1);
    seen.push(await home.nika('pod', 'ls', '--all', '--json'), await home.nika('pod', 'show', 'JOB-m', '--json'));
    for (const { code, stdout } of seen) {
      expect(code).toBe(0);
      expect(stdout).not.toContain(key);
    }
    const { log } = recordOf(home, 'JOB-m') ?? {};
    expect(readFileSync(log ?? '', 'utf8')).toContain('a hook failed');
    for (const folder of ['run', 'logs', '_bus']) {
      const files = readdirSync(join(home.dir, folder), { recursive: true, withFileTypes: true });
      for (const file of files.filter((each) => each.isFile())) {
        const text = readFileSync(join(file.parentPath, file.name), 'utf8');
        expect([file.name, text.includes(key)]).toEqual([file.name, false]);
      }
    }
  });
});
