/** What is imported again, after it has grown, or after an import that was broken off, is on the bus once. */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createChain } from '../../src/bus/chain.ts';
import { tryParseLine } from '../../src/bus/line.ts';
import { mergeLines } from '../../src/bus/query/merge.ts';
import { verifyBus } from '../../src/bus/read/verify.ts';
import { generateHistory } from '../../scripts/bench/generated-history.ts';
import { say, use, writeClaude, writeRecentClaude } from '../fixtures/histories/claude-file.ts';
import { writeCodex } from '../fixtures/histories/codex-files.ts';
import { writeGemini } from '../fixtures/histories/gemini-files.ts';
import { age } from '../fixtures/histories/history-text.ts';
import { writeOpencode } from '../fixtures/histories/opencode-files.ts';
import { TestHome } from '../nika.ts';
import { until } from '../pods.ts';
import { RedisServer } from '../servers/redis.ts';

const archiveProgram = join(import.meta.dirname, '../programs/archive-at-once.ts');

let home: TestHome;
beforeEach(() => {
  home = new TestHome();
});
afterEach(() => home[Symbol.dispose]());

/** All bytes of the bus, by file. */
const busFiles = (): ReadonlyMap<string, string> => {
  const dir = join(home.dir, '_bus');
  const names = readdirSync(dir, { recursive: true, encoding: 'utf8' }).filter((name) => /\.jsonl/.test(name));
  return new Map(names.toSorted().map((name) => [name, readFileSync(join(dir, name), 'latin1')]));
};

interface Seen {
  readonly type: string;
  readonly ts: string;
  readonly id: string;
  readonly entity: string;
  readonly attempt: unknown;
  readonly data: Readonly<Record<string, unknown>>;
}

/** All events on the bus, each once, in order of time. */
const events = async (dir = home.dir): Promise<readonly Seen[]> => {
  const seen: Seen[] = [];
  for await (const lines of mergeLines({ busDirs: [join(dir, '_bus')], query: {} })) {
    for (const { text } of lines) {
      const line = tryParseLine(text);
      if (line === undefined) continue;
      const { type, ts, id, data, entity, meta } = line;
      seen.push({ type, ts, id, entity, attempt: meta['attempt'], data });
    }
  }
  return seen;
};

const verify = async (dir = home.dir) => verifyBus({ busDir: join(dir, '_bus'), chain: createChain() });

const WRITERS = { claude: writeClaude, codex: writeCodex, gemini: writeGemini, opencode: writeOpencode } as const;

describe('an import', () => {
  it.each(Object.entries(WRITERS))(
    '%s: a second one adds nothing, nor one that remembers nothing',
    async (label, write) => {
      write(home.dir);
      await home.nika('import', label);
      const before = busFiles();
      expect((await home.nika('import', label)).stdout).toMatch(
        /nothing new of .*: 1 session had been imported before/,
      );
      expect(busFiles()).toEqual(before);
      rmSync(join(home.dir, 'run'), { recursive: true });
      expect((await home.nika('import', label)).stdout).toMatch(
        /nothing new of .*: 1 session had been imported before/,
      );
      expect(busFiles()).toEqual(before);
    },
  );

  it('is made anew where the bus is gone, whatever is remembered, with the same ids', async () => {
    writeClaude(home.dir);
    await home.nika('import', 'claude');
    const before = await events();
    rmSync(join(home.dir, '_bus'), { recursive: true });
    expect((await home.nika('import', 'claude')).stdout).toContain('5 tool calls');
    const told = ({ id, ts, entity }: Seen) => [id, ts, entity];
    expect((await events()).map(told)).toEqual(before.map(told));
  });

  it.each([
    ['', false],
    [' whose channel was compressed meanwhile', true],
  ])('goes on with a session that has grown%s: a further attempt of the job, with what is new', async (_, isPacked) => {
    const file = writeClaude(home.dir);
    await home.nika('import', 'claude');
    const before = await events();
    if (isPacked) {
      spawnSync(process.execPath, [archiveProgram, join(home.dir, '_bus'), join(home.dir, 'run')]);
    }
    expect(readdirSync(join(home.dir, '_bus/channels')).every((name) => name.endsWith('.gz'))).toBe(isPacked);
    file
      .prompt(60_000, 'And the till?')
      .answer(60_100, 'msg_6', [use('toolu_6', 'Bash', { command: 'make till' })])
      .result(60_200, 'toolu_6', 'Exit code 2\nno rule', 'Error')
      .answer(60_300, 'msg_7', [say('There is none.')]);
    age(home.dir);
    const { stdout } = await home.nika('import', 'claude', '--json');
    expect(JSON.parse(stdout)).toMatchObject({ sessions: { imported: 0, grown: 1 }, calls: 1, tokens: 2 * 1130 });
    const after = await events();
    expect(after.slice(0, before.length)).toEqual(before);
    const news = after.slice(before.length);
    expect(news.map(({ type }) => type)).toEqual([
      'session_start',
      'agent_session',
      'usage',
      'tool_call',
      'usage',
      'agent_turn',
      'session_end_summary',
    ]);
    expect(news.every(({ attempt }) => attempt === 2)).toBe(true);
    expect(news.at(-1)?.data).toMatchObject({ calls: 1, errors: 1, duration_ms: 200 });
    const [listed] = JSON.parse((await home.nika('pod', 'ls', '--all', '--json')).stdout) as readonly unknown[];
    expect(listed).toMatchObject({ calls: 6, errors: 2, attempt: 2 });
    expect((await verify()).findings).toEqual([]);
    rmSync(join(home.dir, 'run'), { recursive: true });
    expect((await home.nika('import', 'claude')).stdout).toContain('nothing new');
    expect(await events()).toEqual(after);
  });

  it('Ctrl-C ends it after a whole session, and the next one goes on', async () => {
    generateHistory(join(home.dir, '.claude/projects'), 20e6);
    const { child, ended } = home.start(['import', 'claude']);
    await until('a session to be imported', () => existsSync(join(home.dir, 'run/import/claude-code.jsonl')));
    child.kill('SIGINT');
    const { code, stdout } = await ended;
    expect([code, stdout]).toEqual([130, expect.stringContaining('the next import goes on from here')]);
    const half = await events();
    const count = (type: string, all: readonly Seen[]) => all.filter((one) => one.type === type).length;
    expect(count('session_end_summary', half)).toBe(count('session_start', half));
    expect((await verify()).findings).toEqual([]);
    expect((await home.nika('import', 'claude')).code).toBe(0);
    expect(count('session_end_summary', await events())).toBeGreaterThan(count('session_start', half));
    expect((await verify()).findings).toEqual([]);
  });

  it('G2: killed again and again, in the end all is there once, as if it had not been', async () => {
    const projects = join(home.dir, '.claude/projects');
    generateHistory(projects, 8e6);
    using whole = new TestHome();
    await whole.nika('import', 'claude', projects);
    let kills = 0;
    for (let round = 0; ; round += 1) {
      const { child, ended } = home.start(['import', 'claude', projects]);
      const channels = join(home.dir, '_bus/channels');
      const size = () =>
        existsSync(channels) ? [...busFiles().values()].reduce((sum, text) => sum + text.length, 0) : 0;
      const before = size();
      const wanted = before + 150_000 + 400_000 * round;
      while (child.exitCode === null && size() < wanted) await new Promise((resolve) => setImmediate(resolve));
      child.kill('SIGKILL');
      const { signal } = await ended;
      if (signal !== 'SIGKILL') break;
      kills += 1;
    }
    expect(kills).toBeGreaterThan(2);
    const told = ({ type, ts, id, entity, data }: Seen) => {
      const { alpha_head: _, seen: __, heads: ___, ...rest } = data; // of other writers
      return JSON.stringify([entity, ts, type, id.slice(19), rest]);
    };
    const isNote = ({ type }: Seen): boolean => type === 'note';
    const [own, others] = [await events(), await events(whole.dir)].map((all) =>
      all
        .filter((one) => !isNote(one))
        .map(told)
        .toSorted(),
    );
    expect(own).toEqual(others);
    const { findings } = await verify();
    expect(findings.filter(({ kind }) => kind !== 'unfinished' && kind !== 'torn')).toEqual([]);
  });
});

describe('Redis', () => {
  let server: RedisServer;
  beforeAll(async () => {
    server = await RedisServer.open();
  });
  afterAll(async () => server[Symbol.asyncDispose]());

  it('hears nothing of what is imported, however young it is, neither from the import nor from a reconcile', async () => {
    const env = { NIKA_REDIS_URL: server.url };
    writeRecentClaude(home.dir);
    const { stdout } = await home.start(['import', 'claude', '--json'], env).ended;
    expect(JSON.parse(stdout)).toMatchObject({ calls: 1 });
    expect(await server.admin.keys('*')).toEqual([]);
    const told = JSON.parse((await home.start(['reconcile', '--full', '--json'], env).ended).stdout) as unknown;
    expect(told).toMatchObject({ kind: 'done', published: 0, compared: 0 });
    expect(await server.admin.exists('nika:feed:entities')).toBe(0);
  });
});
