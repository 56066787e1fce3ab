/** `nika pod observe`: recall over the tool calls of real pods, and the tool for agents. */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { McpAgent } from '../mcp.ts';
import { TestHome } from '../nika.ts';
import { endPods, recordOf, until } from '../pods.ts';

const STEPS = `
  - { name: look around, tool: shell, input: { command: 'ls /' } }
  - { name: say, task: talk, tool: write_file, input: { path: told.txt, content: 'the handshake of the websocket' } }
  - tool: shell
    input: { command: 'echo "connect ECONNREFUSED in src/net/socketServer.ts" >&2; exit 3' }
    continue_on_error: true`;

interface Found {
  readonly calls: number;
  readonly matching: number;
  readonly best: readonly {
    readonly ok: boolean;
    readonly tool: string;
    readonly entity: string;
    readonly whole: string;
  }[];
}

let home: TestHome;
beforeAll(async () => {
  home = new TestHome();
  home.job('over', STEPS);
  home.job('runs', `${STEPS}\n  - { tool: shell, input: { command: 'sleep 300.31' } }`);
  await home.nika('pod', 'start', 'over', '--id', 'JOB-over');
});
afterAll(async () => {
  await endPods(home);
  home[Symbol.dispose]();
});

const observe = async (...args: readonly string[]): Promise<Found> =>
  JSON.parse((await home.nika('pod', 'observe', ...args, '--json')).stdout) as Found;

describe('nika pod observe', () => {
  it('shows when, how, a piece with the words, and the command that shows the whole line', async () => {
    const { code, stdout } = await home.nika('pod', 'observe', 'JOB-over', 'socket server refused');
    expect(code).toBe(0);
    expect(stdout).toMatch(/^\d{4}-\d\d-\d\dT\S+Z {2}✗ failed {2}shell {2}\S+ ms\n {4}.*src\/net\/socketServer\.ts/);
    const [, id = ''] = /nika bus grep (\S+) --entity JOB-over --json/.exec(stdout) ?? [];
    const whole = await home.nika('bus', 'grep', id, '--entity', 'JOB-over', '--json');
    expect(JSON.parse(whole.stdout)).toMatchObject({ id, type: 'tool_call', data: { ok: false } });
  });

  it('finds the calls of tasks too, and where asked only those that failed', async () => {
    const found = await observe('over', 'websocket handshake');
    expect(found).toMatchObject({ calls: 3, best: [{ tool: 'write_file', ok: true }] });
    expect(found.best[0]?.entity).toMatch(/^TASK-/);
    const failed = await observe('over', 'shell', '--failed');
    expect(failed).toMatchObject({ matching: 1, best: [{ ok: false }] });
    expect((await observe('over', 'shell', '--limit', '1')).best).toHaveLength(1);
  });

  it('ends with 1 where none matches, and with 2 where nothing is asked', async () => {
    const none = await home.nika('pod', 'observe', 'JOB-over', 'zebra');
    expect(none).toMatchObject({ code: 1, stdout: 'Of the 3 calls of JOB-over none matches.\n' });
    expect(await home.nika('pod', 'observe', 'JOB-over', ' ')).toMatchObject({ code: 2 });
    expect(await home.nika('pod', 'observe', 'JOB-over', 'x', '--limit', '0')).toMatchObject({ code: 2 });
    expect((await home.nika('pod', 'observe', 'nobody', 'x')).stderr).toContain('NIKA_POD_UNKNOWN');
  });

  it('reads a pod that runs, and short answers of it go to agents', async () => {
    await home.nika('pod', 'start', 'runs', '-d', '--id', 'JOB-runs');
    await until('three calls', () => recordOf(home, 'JOB-runs')?.beat.calls === 3);
    expect(await observe('JOB-runs', 'econnrefused')).toMatchObject({ calls: 3, matching: 1 });
    await using agent = await McpAgent.open(home);
    const { text } = await agent.call('pod_observe', { id: 'JOB-runs', words: 'socket server' });
    expect(text).toMatch(/^1 of 1 that match, of 3 calls of JOB-runs:\n\S+Z FAILED shell: .*socketServer/);
    expect((await agent.call('pod_observe', { id: 'JOB-runs', words: 'zebra' })).text).toContain('None of the 3 calls');
  });

  it('reads a channel that was compressed, of a pod whose record is gone', async () => {
    const path = join(home.dir, '_bus/channels/JOB-over.jsonl');
    const record = recordOf(home, 'JOB-over');
    writeFileSync(`${path}.gz`, gzipSync(readFileSync(path)));
    rmSync(path);
    rmSync(join(home.dir, 'run/pods', `${record?.session}.json`));
    expect(await observe('JOB-over', 'econnrefused')).toMatchObject({ calls: 3, matching: 1 });
  });
});
