import { spawn } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { addHostJob, McpAgent, openInside } from '../mcp.ts';
import { TestHome } from '../nika.ts';
import { endPods, until, untilTool } from '../pods.ts';

let home: TestHome;
beforeEach(() => {
  home = new TestHome();
  addHostJob(home);
});
afterEach(async () => {
  await endPods(home);
  home[Symbol.dispose]();
});

const claimsOf = async (agent: McpAgent): Promise<string> => (await agent.call('claims')).text;
const claimFiles = (): readonly string[] => readdirSync(join(home.dir, 'run/claims'));

describe('a claimed path', () => {
  it('is refused to others, who are told who holds it, since when, until when, and why; and is on the record', async () => {
    await using one = await openInside(home, 'JOB-one');
    await using two = await openInside(home, 'JOB-two');
    const path = join(home.cwd, 'src/db.ts');
    const claimed = await one.call('claim_path', { path: 'src/db.ts', ttl_s: 120, why: 'new schema' });
    expect(claimed).toEqual({ isError: false, text: `${path} is yours. Free by itself in 2m, or by release_path.` });
    const refused = await two.call('claim_path', { path, why: 'fix a bug' });
    expect(refused).toEqual({
      isError: true,
      text: expect.stringMatching(
        /^\/.*db\.ts is held by others:\n\/.*db\.ts: JOB-one, since \w+, for (1m\d+s|2m) more: new schema\nWork on something else, ask JOB-one/,
      ),
    });
    expect(await claimsOf(one)).toMatch(/JOB-one \(you\), since .*: new schema$/);
    expect((await two.call('release_path', { path })).text).toMatch(
      /^you hold no claim on .*; these touch it:\n.*JOB-one/,
    );
    expect((await one.call('release_path', { path })).text).toBe(`${path} is free.`);
    expect((await two.call('claim_path', { path, why: 'fix a bug' })).isError).toBe(false);
    const notes = home.lines('channels/JOB-one.jsonl').filter(({ type }) => type === 'note');
    expect(notes.map(({ data }) => data['text'])).toEqual([`claimed ${path} for 2m: new schema`, `released ${path}`]);
  });

  it('keeps others from the folders around it and from what is in it, by whatever way they write it', async () => {
    mkdirSync(join(home.cwd, 'src/api'), { recursive: true });
    symlinkSync(join(home.cwd, 'src'), join(home.cwd, 'link'));
    await using one = await McpAgent.open(home, { client: 'one' });
    await using two = await McpAgent.open(home, { client: 'two' });
    await one.call('claim_path', { path: 'src/api', why: 'x' });
    for (const path of ['src', 'src/api/new/deep.ts', 'link/api/a.ts', '../work/src/./api', 'src/api/../../src/api/']) {
      expect([path, (await two.call('claim_path', { path, why: 'y' })).isError]).toEqual([path, true]);
    }
    for (const path of ['src/api2', 'src/ap', 'api', 'src/web.ts']) {
      expect([path, (await two.call('claim_path', { path, why: 'y' })).isError]).toEqual([path, false]);
    }
    expect((await two.call('claims', { path: 'link/api/x' })).text).toMatch(/src\/api: one \(process \d+\)/);
    expect((await two.call('claims', { path: 'src/other' })).text).toMatch(/src\/other is free\.$/);
    expect((await two.call('claim_path', { path: '/', why: 'y' })).text).toBe('the whole machine cannot be claimed');
  });

  it('is renewed by its holder, and then free when its time is up', async () => {
    await using one = await McpAgent.open(home, { client: 'one' });
    await using two = await McpAgent.open(home, { client: 'two' });
    await one.call('claim_path', { path: 'a', ttl_s: 300, why: 'x' });
    await one.call('claim_path', { path: 'a', ttl_s: 1, why: 'nearly done' });
    const [file = '', ...others] = claimFiles();
    expect(others).toEqual([]);
    expect(readFileSync(join(home.dir, 'run/claims', file), 'utf8')).toContain('nearly done');
    await until('the claim to end', async () => !(await two.call('claim_path', { path: 'a', why: 'y' })).isError);
  });

  it('is free when the pod of its holder is over, or was killed', async () => {
    await using other = await McpAgent.open(home);
    for (const [entity, how] of [
      ['JOB-stopped', 'stop'],
      ['JOB-killed', 'kill -9'],
    ] as const) {
      await using holder = await openInside(home, entity);
      const { process: by } = await untilTool(home, entity);
      await holder.call('claim_path', { path: 'a', ttl_s: 3600, why: 'x' });
      expect((await other.call('claim_path', { path: 'a', why: 'y' })).isError).toBe(true);
      if (how === 'stop') await home.nika('pod', 'stop', entity);
      else process.kill(by.pid, 'SIGKILL');
      await until('the path to be free', async () => (await claimsOf(other)) === 'Nothing is claimed.');
      expect(claimFiles()).toEqual([]);
    }
  });

  it('of an agent outside of pods is free when that has ended', async () => {
    await using other = await McpAgent.open(home);
    {
      await using agent = await McpAgent.open(home);
      await agent.call('claim_path', { path: 'a', ttl_s: 3600, why: 'x' });
      expect(await claimsOf(other)).toContain('/a: ');
    }
    expect(await claimsOf(other)).toBe('Nothing is claimed.');
  });

  it('is claimed also where the record of the pod cannot be reached, and the answer says so', async () => {
    await using agent = await McpAgent.open(home, { env: { NIKA_SOCKET: join(home.dir, 'gone.sock') } });
    const told = await agent.call('claim_path', { path: 'a', why: 'x' });
    expect(told).toEqual({
      isError: false,
      text: expect.stringMatching(/is yours\. .*\(Not on the record of your pod: no pod is reached/),
    });
    expect((await agent.call('note', { text: 'x' })).text).toMatch(/^no pod is reached at /);
  });
});

describe('B1: of several that claim overlapping paths at the same time', () => {
  it('at most one gets it, in each of 40 rounds, and somebody does in most', async () => {
    const runDir = join(home.dir, 'run');
    const claimers = Array.from({ length: 4 }, (_, at) => {
      const program = join(import.meta.dirname, '../programs/claimer.ts');
      const child = spawn(process.execPath, [program, runDir, `claimer-${at}`], { stdio: ['pipe', 'pipe', 'inherit'] });
      const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
      const hear = async (): Promise<string> => ((await lines.next()) as IteratorResult<string>).value as string;
      return { child, hear, say: (line: string) => child.stdin.write(`${line}\n`) };
    });
    try {
      await Promise.all(claimers.map(({ hear }) => hear()));
      const paths = ['/x/shared', '/x/shared/in/it', '/x', '/x/shared'];
      let won = 0;
      for (let round = 0; round < 40; round += 1) {
        for (const [at, { say }] of claimers.entries()) say(`${round} ${paths[at]}`);
        const told = await Promise.all(claimers.map(({ hear }) => hear()));
        const winners = told.filter((line) => line.endsWith('claimed')).length;
        expect([round, winners <= 1, told.length]).toEqual([round, true, 4]);
        won += winners;
        for (const [at, { say }] of claimers.entries()) say(`release ${paths[at]}`);
        await Promise.all(claimers.map(({ hear }) => hear()));
      }
      expect(won).toBeGreaterThan(20);
      expect(claimFiles()).toEqual([]);
    } finally {
      for (const { child } of claimers) child.kill('SIGKILL');
    }
  });
});
