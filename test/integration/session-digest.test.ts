/** What the bus holds so that memory can be made of it: of pods that end, die, are reviewed, and of what was imported. */
import { utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { BusLine } from '../../src/bus/line.ts';
import { digestSchema, workSchema } from '../../src/model/session-digest.ts';
import { atDesk } from '../fixtures/desked-pod.ts';
import { writeClaude } from '../fixtures/histories/claude-file.ts';
import { age } from '../fixtures/histories/history-text.ts';
import { TestHome } from '../nika.ts';
import { endPods, recordOf, until } from '../pods.ts';

const SECRET = ['ghp', '_', 'a1B2c3D4e5F6g7H8i9J0a1B2c3D4e5F6g7H8'].join('');
const ENDS: readonly string[] = ['job_completed', 'job_failed', 'job_cancelled'];

let home: TestHome;
beforeEach(() => {
  home = new TestHome();
});
afterEach(async () => {
  await endPods(home);
  home[Symbol.dispose]();
});

const endOf = (lines: readonly BusLine[]) => {
  const job = lines.find(({ type, meta }) => ENDS.includes(type) && meta['entity_type'] === 'JOB');
  const session = lines.find(({ type }) => type === 'session_end_summary');
  return { work: workSchema.parse(job?.data['work']), digest: digestSchema.parse(session?.data['digest']) };
};

const subMemory = (lines: readonly BusLine[]): unknown =>
  lines.find(({ type }) => type === 'subagent_completed')?.data['memory'];

const call = (id: string, tool: string, input: unknown) => ({ id, tool, input, source: 'hook' as const });
const OK = { ok: true, response: 'a' } as const;
const USAGE = {
  scope: 'call',
  model: 'sonnet',
  input_tokens: 10,
  cache_read_tokens: 0,
  cache_write_tokens: 0,
  output_tokens: 5,
  cost_usd: 0.25,
  cost_from: 'agent',
} as const;

describe('what a session leaves for memory', () => {
  it('is what an agent was asked, did and said, without secrets, and in its job what that took (G7)', async () => {
    const lines = await atDesk(home, async ({ desk }) => {
      const calls = [
        call('a', 'Read', { file_path: join(home.cwd, 'read.ts') }),
        call('b', 'Edit', { file_path: join(home.cwd, 'src/cart.ts'), old_string: 'a', new_string: 'b' }),
        call('c', 'Bash', { command: `GITHUB_TOKEN=${SECRET} npm test` }),
      ];
      for (const one of calls) await desk.begin(one);
      await desk.end('a', OK);
      await desk.end('b', OK);
      await desk.end('c', { ok: false, error: 'Exit code 1\nthe cart is flaky', exitCode: 1 });
      desk.use(USAGE);
      desk.startSub({ id: 's', what: 'count' });
      desk.endSub('s', 'completed', 'three');
      desk.turn({ outcome: 'completed', prompt: `Mend the cart. ${SECRET}`, answer: 'It is mended.' });
    });
    const { work, digest } = endOf(lines);
    expect(work).toEqual({
      calls: 3,
      errors: 1,
      tools: ['Bash', 'Edit', 'Read'],
      models: ['sonnet'],
      tokens: 15,
      cost_usd: 0.25,
    });
    expect(digest).toMatchObject({
      said: 'It is mended.',
      files: ['src/cart.ts'],
      errors: ['Exit code 1 the cart is flaky'],
      turns: 1,
    });
    expect(digest.asked).toMatch(/^Mend the cart\. /);
    expect(digest.commands[0]).toMatch(/npm test$/);
    expect(JSON.stringify(lines)).not.toContain(SECRET.slice(4));
    expect(subMemory(lines)).toBe('off');
  });

  it('says of a subagent that its summary is queued where there is a Qdrant, which is not asked (G1)', async () => {
    writeFileSync(join(home.dir, 'config/nika.yaml'), 'qdrant: { url: "http://127.0.0.1:1" }\n');
    const lines = await atDesk(home, ({ desk }) => {
      desk.startSub({ id: 's' });
      desk.endSub('s', 'completed', 'three');
      return Promise.resolve();
    });
    expect(subMemory(lines)).toBe('queued');
  });

  it('is made of the bus by who closes a pod that was killed', async () => {
    const steps = [
      `  - { name: say it, tool: write_file, input: { path: told.txt, content: x } }`,
      `  - { tool: shell, input: { command: 'echo begun' } }`,
      `  - { tool: shell, input: { command: 'sleep 300.7' } }`,
    ];
    home.job('dies', steps.join('\n'), 'inputs:\n  about: { type: string, default: the cart }');
    await home.nika('pod', 'start', 'dies', '-d', '--id', 'JOB-dies');
    const record = await until('the last step to run', () => {
      const one = recordOf(home, 'JOB-dies');
      return one?.beat.calls === 2 && one;
    });
    process.kill(record.process.pid, 'SIGKILL');
    await until(
      'the pod to be closed',
      async () => (await home.nika('pod', 'ls')).code === 0 && recordOf(home, 'JOB-dies')?.end,
    );
    const { work, digest } = endOf(home.lines('channels/JOB-dies.jsonl'));
    expect(work).toEqual({ calls: 2, errors: 0, tools: ['shell', 'write_file'], models: [] });
    expect(digest.asked).toMatch(/^A job of a test\.\n\{"about":"the cart"\}/);
    expect(digest).toMatchObject({ files: ['told.txt'], commands: ['echo begun'] });
    expect(digest.errors.at(-1)).toContain('died');
    expect((await home.nika('bus', 'verify')).code).toBe(0);
  });

  it('is what the attempt did that asked for review, in the end that a decision is', async () => {
    home.job('judged', `  - { tool: shell, input: { command: 'echo done' } }`, 'review: required');
    expect((await home.nika('pod', 'start', 'judged', '--id', 'JOB-judged')).code).toBe(4);
    expect((await home.nika('review', 'accept', 'JOB-judged')).code).toBe(0);
    const { work, digest } = endOf(home.lines('channels/JOB-judged.jsonl'));
    expect(work).toEqual({ calls: 1, errors: 0, tools: ['shell'], models: [] });
    expect(digest.commands).toEqual(['echo done']);
  });

  it('is what a history tells, also of what an earlier import has written', async () => {
    const { path } = writeClaude(home.dir);
    utimesSync(path, new Date(), new Date()); // it may go on: it has no end yet
    expect((await home.nika('import', 'claude')).code).toBe(0);
    expect(home.channels.filter(({ type }) => type === 'tool_call')).toHaveLength(5);
    expect(home.channels.some(({ type }) => type === 'session_end_summary')).toBe(false);
    age(join(home.dir, '.claude'));
    expect((await home.nika('import', 'claude')).code).toBe(0);
    const lines = home.channels;
    const { work, digest } = endOf(lines);
    expect(work).toMatchObject({ calls: 5, errors: 1, models: ['claude-sonnet-4-5'], tokens: 7 * 1110 + 7 * 20 });
    expect(work?.tools[0]).toBe('Bash');
    expect(digest).toEqual({
      asked: 'Put the cart right.',
      said: 'You are welcome.',
      files: ['a.ts'],
      commands: ['ls', 'exit 3'],
      errors: [expect.stringContaining('Exit code 3') as string],
      turns: 2,
    });
    expect(subMemory(lines)).toBe('off');
  });
});
