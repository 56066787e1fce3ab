/** The real program imports small session files in the form of each agent. */
import { mkdirSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { BusLine } from '../../src/bus/line.ts';
import { verifyBus } from '../../src/bus/read/verify.ts';
import { createChain } from '../../src/bus/chain.ts';
import { tryLock } from '../../src/bus/segments.ts';
import { CLAUDE_SESSION, ClaudeFile, say, use, writeClaude } from '../fixtures/histories/claude-file.ts';
import { writeCodex } from '../fixtures/histories/codex-files.ts';
import { writeGemini } from '../fixtures/histories/gemini-files.ts';
import { age, iso, T0 } from '../fixtures/histories/history-text.ts';
import { writeOpencode } from '../fixtures/histories/opencode-files.ts';
import { TestHome } from '../nika.ts';

let home: TestHome;
beforeEach(() => {
  home = new TestHome();
});
afterEach(() => home[Symbol.dispose]());

const channelOf = (job: string): readonly BusLine[] => home.lines(`channels/${job}.jsonl`);
const jobs = (): readonly string[] =>
  readdirSync(join(home.dir, '_bus/channels')).map((name) => name.replace('.jsonl', ''));
const theJob = (): string => jobs().find((name) => name.startsWith('JOB-')) ?? '';
const ofType = (lines: readonly BusLine[], type: string): readonly BusLine[] =>
  lines.filter((line) => line.type === type);

const verify = async (): Promise<readonly unknown[]> =>
  (await verifyBus({ busDir: join(home.dir, '_bus'), chain: createChain() })).findings;

const AGENTS = [
  { label: 'claude', kind: 'claude-code', write: writeClaude, calls: 5, turns: 2, used: 7 },
  { label: 'codex', kind: 'codex', write: writeCodex, calls: 6, turns: 1, used: 3 },
  { label: 'gemini', kind: 'gemini', write: writeGemini, calls: 3, turns: 1, used: 3 },
  { label: 'opencode', kind: 'opencode', write: writeOpencode, calls: 4, turns: 1, used: 3 },
] as const;

describe('nika import', () => {
  it.each(AGENTS)(
    '$label: a session is a job with all that was done, when it was done',
    async ({ label, kind, write, calls, turns, used }) => {
      write(home.dir);
      const { code, stdout, stderr } = await home.nika('import', label);
      expect([code, stderr]).toEqual([0, '']);
      expect(stdout).toContain('✓ 1 session of');
      expect(stdout).toContain(`${calls} tool calls`);
      expect(jobs()).toHaveLength(1);
      const lines = channelOf(theJob());
      expect(lines.slice(0, 4).map(({ type }) => type)).toEqual([
        'entity_created',
        'session_start',
        'entity_started',
        'agent_session',
      ]);
      expect(lines.slice(-2).map(({ type }) => type)).toEqual(['job_completed', 'session_end_summary']);
      expect(ofType(lines, 'tool_call')).toHaveLength(calls);
      expect(ofType(lines, 'tool_call').every(({ data }) => data['source'] === 'stream')).toBe(true);
      expect(ofType(lines, 'agent_turn')).toHaveLength(turns);
      expect(ofType(lines, 'usage')).toHaveLength(used);
      expect(ofType(lines, 'subagent_completed')).toHaveLength(1);
      expect(lines[0]).toMatchObject({
        meta: {
          job: `${label}-import`,
          domain: 'shop',
          intent: 'session',
          agent: kind,
          tags: ['nika:imported'],
          attempt: 1,
        },
      });
      expect(lines[3]?.data).toMatchObject({ agent: kind, via: 'import' });
      expect(lines.at(-1)?.data).toMatchObject({ outcome: 'completed', exit_code: 0, calls });
      const times = lines.map(({ ts }) => Date.parse(ts));
      expect(times).toEqual(times.toSorted((a, b) => a - b));
      expect([Math.min(...times) >= T0, Math.max(...times) < T0 + 5_000]).toEqual([true, true]);
      expect(lines.map(({ id }) => Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16))).toEqual(times);
      expect(new Set(lines.map(({ id }) => id)).size).toBe(lines.length);
      expect(await verify()).toEqual([]);
    },
  );

  it('what it wrote is found like what pods wrote: grep, tree, show, pod ls', async () => {
    writeClaude(home.dir);
    await home.nika('import', 'claude');
    const job = theJob();
    const grep = await home.nika(
      'bus',
      'grep',
      'exit 3',
      '--domain',
      'shop',
      '--since',
      '2025-03',
      '--until',
      '2025-03',
    );
    expect([grep.code, grep.stdout]).toEqual([0, expect.stringContaining('Exit code 3')]);
    const tree = await home.nika('tree');
    expect(tree.stdout).toMatch(new RegExp(`✓ Put the cart right\\. ${job} +completed`));
    expect(tree.stdout).toContain('└─ ✓ Explore SUB-20250312-');
    expect((await home.nika('bus', 'show', job)).stdout).toContain('You are welcome.');
    const ls = await home.nika('pod', 'ls', '--all');
    expect(ls.stdout).toMatch(
      /claude-import +✓ completed .* shop: Put the cart right\. +5 +1 +7\.9k tok {2}\$0\.\d+\n/,
    );
    const costs = JSON.parse((await home.nika('costs', '--since', '2025-03', '--json')).stdout) as {
      readonly total: unknown;
    };
    expect(costs.total).toMatchObject({ tool_calls: 5 });
    const [listed] = JSON.parse((await home.nika('pod', 'ls', '--all', '--json')).stdout) as readonly unknown[];
    expect(listed).toMatchObject({ id: job, imported: true, agent: 'claude-code', status: 'completed', calls: 5 });
    expect((await home.nika('pod', 'ls')).stdout).not.toContain('claude-import');
    expect((await home.nika('pod', 'ls', '--all', '--since', '1h', '-q')).stdout).toBe('');
    expect((await home.nika('pod', 'ls', '--all', '--since', '2025-03', '-q')).stdout).toBe(`${job}\n`);
  });

  it('@last is what nika ran last, also where what was imported was written later', async () => {
    writeClaude(home.dir);
    await home.nika('run', '--', 'true');
    await home.nika('import', 'claude');
    const run = home.alpha.find(({ meta }) => meta['job'] === 'true')?.entity ?? '?';
    expect((await home.nika('tree', '@last')).stdout).toContain(run);
    rmSync(join(home.dir, '_bus'), { recursive: true });
    await home.nika('import', 'claude');
    expect((await home.nika('tree', '@last')).stdout).toContain('Put the cart right.');
  });

  it('G7: holds no secret, neither of what was said nor of what was done, nor in the name of a folder', async () => {
    const secret = `ghp_${'a1B2'.repeat(9)}`;
    const file = new ClaudeFile(join(home.dir, '.claude/projects/x', `${CLAUDE_SESSION}.jsonl`));
    file
      .line('user', 0, { cwd: `/home/ada/${secret}`, message: { role: 'user', content: `Use ${secret}` } })
      .answer(10, 'm1', [say(`I use ${secret}`), use('t1', 'Bash', { command: `curl -u x:${secret}` })])
      .result(20, 't1', `Exit code 1\n${secret}`, 'Error')
      .answer(30, 'm2', [say(`It was ${secret}`)]);
    file.raw(readFileSync(file.path, 'utf8').replaceAll('/home/ada/shop', `/home/ada/${secret}`));
    age(home.dir);
    await home.nika('import', 'claude');
    const all = JSON.stringify([home.alpha, home.channels]);
    expect(all).toContain('[redacted:github-token]');
    expect(all).not.toContain(secret);
  });

  it('tells of lines that cannot be read by file and number, and imports all others', async () => {
    const file = writeClaude(home.dir);
    file.raw('{"type":"assistant",\nnothing\n'.repeat(4)).prompt(2_000, 'Still there?');
    age(home.dir);
    const { code, stdout, stderr } = await home.nika('import', 'claude');
    expect([code, stdout]).toEqual([0, expect.stringContaining('5 tool calls')]);
    expect(stderr).toContain('8 lines or files could not be read; all others were:');
    expect(stderr).toContain(`${file.path}:19: `);
    expect(stderr).toContain('and 3 more');
    expect(stderr.split('\n')).toHaveLength(8);
    expect(JSON.stringify(home.channels)).toContain('Still there?');
  });

  it('leaves alone what nika recorded while it ran', async () => {
    writeClaude(home.dir);
    await home.nika('import', 'claude');
    const alpha = join(home.dir, '_bus/alpha_bus.jsonl');
    const text = readFileSync(alpha, 'utf8').replace('"via":"import"', '"via":"hooks"');
    rmSync(join(home.dir, '_bus/channels'), { recursive: true });
    rmSync(join(home.dir, 'run'), { recursive: true });
    writeFileSync(alpha, text);
    const { stdout } = await home.nika('import', 'claude');
    expect(stdout).toBe('✓ nothing new of Claude Code: 1 nika had recorded while they ran\n');
    expect(readFileSync(alpha, 'utf8')).toBe(text);
  });

  it('counts what a fork has copied from another session once', async () => {
    writeClaude(home.dir);
    const fork = writeClaude(home.dir, '5e551011-0000-4000-8000-0000000000c2');
    fork.prompt(9_000, 'In the fork.').answer(9_100, 'msg_fork', [use('toolu_f', 'Bash', { command: 'true' })]);
    fork.result(9_200, 'toolu_f', '', { stdout: '' });
    age(home.dir);
    const { stdout } = await home.nika('import', 'claude', '--json');
    expect(JSON.parse(stdout)).toMatchObject({ sessions: { imported: 2 }, calls: 6 });
    const calls = ofType(home.channels, 'tool_call').map(({ data }) => String(data['tool_use_id']));
    expect(calls.toSorted()).toEqual(['toolu_1', 'toolu_2', 'toolu_3', 'toolu_4', 'toolu_f', 'toolu_s1']);
    expect(ofType(home.alpha, 'usage')).toHaveLength(8);
    expect(await verify()).toEqual([]);
  });

  it('--dry-run tells what would come, and writes nothing', async () => {
    writeClaude(home.dir);
    const { code, stdout } = await home.nika('import', 'claude', '--dry-run', '--json');
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ dry_run: true, sessions: { imported: 1 }, calls: 5, tokens: 7910 });
    expect(readdirSync(home.dir).toSorted()).toEqual(['.claude', 'config', 'work']);
  });

  it('--since takes what was written to since; a path is read in place of the usual folder', async () => {
    const file = writeClaude(home.dir);
    expect((await home.nika('import', 'claude', '--since', '2h')).stdout).toBe('✓ nothing new of Claude Code\n');
    expect((await home.nika('import', 'claude', '--since', '2d')).stdout).toContain('✓ 1 session');
    const other = new TestHome();
    const { stdout } = await other.nika('import', 'claude', file.path, '--json');
    other[Symbol.dispose]();
    expect(JSON.parse(stdout)).toMatchObject({ sessions: { imported: 1 }, calls: 5 });
  });

  it('says clearly that there is nothing, or no such place', async () => {
    const none = await home.nika('import', 'claude');
    expect([none.code, none.stderr]).toEqual([1, expect.stringContaining(`there is no ${home.dir}/.claude/projects`)]);
    mkdirSync(join(home.dir, '.codex/sessions'), { recursive: true });
    const empty = await home.nika('import', 'codex');
    expect([empty.code, empty.stderr]).toEqual([1, expect.stringContaining('no session of Codex is in')]);
    const wrong = await home.nika('import', 'claude', 'nowhere');
    expect([wrong.code, wrong.stderr]).toEqual([2, expect.stringContaining(`there is no ${home.cwd}/nowhere`)]);
    expect((await home.nika('import', 'cursor')).code).toBe(2);
    writeFileSync(join(home.cwd, 'x.jsonl'), '{"type":"mode","sessionId":"x"}\n');
    age(home.cwd);
    const hollow = await home.nika('import', 'claude', home.cwd);
    expect([hollow.code, hollow.stdout]).toEqual([0, '✓ nothing new of Claude Code: 1 with nothing in it\n']);
  });

  it('a second one at the same time says so', async () => {
    writeClaude(home.dir);
    mkdirSync(join(home.dir, '_bus'));
    await using lock = await tryLock(join(home.dir, '_bus'), 'import');
    expect(lock).toBeDefined();
    const { code, stderr } = await home.nika('import', 'claude');
    expect([code, stderr]).toEqual([1, expect.stringContaining('another import into')]);
    expect((await home.nika('import', 'claude', '--dry-run')).code).toBe(0);
  });

  it('ends where the bus does not take its lines, and goes on once it does', async () => {
    writeClaude(home.dir);
    mkdirSync(join(home.dir, '_bus'));
    writeFileSync(join(home.dir, '_bus/channels'), 'in the way');
    const { code, stderr } = await home.nika('import', 'claude');
    expect([code, stderr]).toEqual([1, expect.stringContaining('[NIKA_IMPORT_STOPPED]')]);
    rmSync(join(home.dir, '_bus'), { recursive: true });
    expect((await home.nika('import', 'claude')).stdout).toContain('5 tool calls');
    expect(await verify()).toEqual([]);
  });

  it('leaves open what was written to just now, and ends it later', async () => {
    const file = writeClaude(home.dir);
    utimesSync(file.path, new Date(), new Date());
    expect((await home.nika('import', 'claude')).stdout).toContain('1 may still go on');
    expect(channelOf(theJob()).map(({ type }) => type)).not.toContain('session_end_summary');
    expect((await home.nika('pod', 'ls', '--all')).stdout).toContain('○ open');
    age(home.dir);
    expect((await home.nika('import', 'claude')).stdout).toContain('1 gone on with');
    const lines = channelOf(theJob());
    expect(lines.at(-1)).toMatchObject({ type: 'session_end_summary', data: { calls: 5, errors: 1 } });
    expect(ofType(lines, 'session_start')).toHaveLength(1);
    expect(ofType(lines, 'tool_call')).toHaveLength(5);
    expect(
      ofType(lines, 'usage')
        .map(({ ts }) => ts)
        .at(-1),
    ).toBe(iso(1100));
    expect(await verify()).toEqual([]);
  });
});
