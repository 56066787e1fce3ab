import { countTokens } from 'gpt-tokenizer/encoding/o200k_base';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { resolveHome } from '../../src/config/home.ts';
import { loadSettings } from '../../src/config/settings.ts';
import { digest } from '../../src/index.ts';
import { SwarmSession } from '../../src/swarm/session/swarm-session.ts';
import { McpAgent } from '../mcp.ts';
import { TestHome } from '../nika.ts';
import { until } from '../pods.ts';

interface DigestJson {
  readonly tokens: number;
  readonly cursor: string;
  readonly totals: Readonly<Record<string, number>>;
  readonly items: readonly { readonly section: string; readonly id: string; readonly text: string }[];
}

let home: TestHome;
const ids: Record<string, string> = {};

const asJson = async (...more: readonly string[]): Promise<DigestJson> => {
  const { stdout, stderr } = await home.nika('alpha', 'digest', '--json', ...more);
  expect(stderr).toBe('');
  return JSON.parse(stdout) as DigestJson;
};
const sectionOf = (told: DigestJson, id: string | undefined): string | undefined =>
  told.items.find((item) => item.id === id)?.section;

beforeAll(async () => {
  home = new TestHome();
  const calls = Array.from({ length: 40 }, (_, n) => `  - { tool: shell, input: { command: "echo call ${n}" } }`);
  home.job('works', `${calls.join('\n')}\n  - { tool: shell, input: { command: "seq 1 2000" } }`);
  home.job('breaks', '  - { tool: shell, input: { command: "echo no disk >&2; exit 3" } }');
  home.job('lasts', '  - { tool: shell, input: { command: "sleep 300" } }');
  await home.nika('pod', 'start', 'works', '--id', 'JOB-works');
  await home.nika('pod', 'start', 'breaks', '--id', 'JOB-breaks');
  ids['lasts'] = (await home.nika('pod', 'start', 'lasts', '-d')).stdout.trim();
  await until('it runs', async () => sectionOf(await asJson(), ids['lasts']) === 'runs');
});

afterAll(async () => {
  await home.nika('pod', 'stop', '--all');
  home[Symbol.dispose]();
});

describe('nika alpha digest', () => {
  it('tells of real pods without an Alpha and without Redis, with ids for the next command', async () => {
    const { stdout, code } = await home.nika('alpha', 'digest');
    expect(code).toBe(0);
    expect(stdout).toMatch(/FAILED\nJOB-breaks breaks, \d+s ago.*: .*Exit code 3; no disk\n/);
    expect(stdout).toMatch(/RUNS\n\w{8} lasts, \d+s: shell sleep 300\n/);
    expect(stdout).toMatch(/COMPLETED\nJOB-works works, /);
    const short = /RUNS\n(\w{8})/.exec(stdout)?.[1] ?? '';
    expect((await home.nika('bus', 'show', short, '--max-tokens', '200')).stdout).toContain(ids['lasts']);
  });

  it('gives the same as data; with its cursor only what is new, and of a pod that was stopped that', async () => {
    const { tokens, cursor, totals } = await asJson();
    expect(tokens).toBeLessThanOrEqual(800);
    expect(totals).toMatchObject({ failed: 1, runs: 1, finished: 1 });
    expect((await asJson('--cursor', cursor)).items).toEqual([]);
    await home.nika('pod', 'start', 'breaks', '--id', 'JOB-again');
    const next = await asJson('--cursor', cursor);
    expect(next.items.map(({ id }) => id)).toEqual(['JOB-again']);
    expect((await digest({ home: home.dir, cursor: next.cursor })).items).toEqual([]);
  });

  it('is given to agents too, with a cursor for the next call', async () => {
    await using agent = await McpAgent.open(home);
    const first = await agent.call('digest');
    expect(first.text).toContain('FAILED\n');
    const cursor = /"cursor": "([^"]+)"/.exec(first.text)?.[1];
    expect((await agent.call('digest', { cursor })).text).toContain('nothing');
    expect(await agent.call('digest', { cursor: 'd1-x' })).toMatchObject({ isError: true });
  });

  it('says what is wrong with what it is asked', async () => {
    const small = await home.nika('alpha', 'digest', '--max-tokens', '50');
    expect([small.code, small.stderr]).toEqual([2, expect.stringContaining('50 tokens are too few')]);
    const cursor = await home.nika('alpha', 'digest', '--cursor', 'nonsense');
    expect([cursor.code, cursor.stderr]).toEqual([2, expect.stringContaining('Ask once without a cursor')]);
    expect((await home.nika('alpha', 'digest', '--cursor', 'x', '--since', '2h')).code).toBe(2);
  });
});

describe('in so many tokens', () => {
  const tokensOf = (text: string): number => countTokens(text);

  it('the story of a job tells its end, its last calls, and how to get what was left out', async () => {
    const works = (await home.nika('bus', 'show', 'JOB-works', '--max-tokens', '300')).stdout;
    expect(tokensOf(works)).toBeLessThanOrEqual(300);
    expect(works).toMatch(/^JOB-works works: completed, .*41 calls/);
    expect(works).toMatch(/LAST CALLS\n[^]*seq 1 2000/);
    expect(works).toMatch(/Left out: \d+ of 41 calls.*All: nika bus show JOB-works\n$/);
    const breaks = (await home.nika('bus', 'show', 'JOB-breaks', '--max-tokens', '300')).stdout;
    expect(breaks).toContain('error: ');
    expect(breaks).toContain('CALLS THAT FAILED\n');
  });

  it('a long result begins, with how much follows; the exit code is that of the pod', async () => {
    const { stdout, code } = await home.nika('pod', 'result', 'JOB-works', '--max-tokens', '200');
    expect(code).toBe(0);
    expect(tokensOf(stdout)).toBeLessThanOrEqual(200);
    const breaks = await home.nika('pod', 'result', 'JOB-breaks', '--max-tokens', '200');
    expect(breaks.code).toBe(1);
    expect(breaks.stdout).toMatch(/^JOB-breaks breaks: failed after .*\nerror: .*Exit code 3/);
  });
});

describe('the sessions of Alpha and of workers', () => {
  it('are no work: neither the digest nor the tree, the list of pods or the costs tell of them', async () => {
    const at = resolveHome({ flag: home.dir, env: {}, cwd: home.cwd });
    const settings = loadSettings(at, {});
    for (const kind of ['alpha', 'worker'] as const) {
      await using session = SwarmSession.open({ home: at, settings, env: {}, kind, job: `nika-${kind}` });
      for (const args of [['tree'], ['pod', 'ls', '--all'], ['costs'], ['alpha', 'digest']])
        expect((await home.nika(...args)).stdout).not.toContain(`nika-${kind}`);
      expect((await home.nika('tree', session.self.id)).stdout).toContain(session.self.id);
    }
    expect((await home.nika('tree')).stdout).not.toContain('unknown');
  });
});
