import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { TestHome } from '../nika.ts';
import { endPods, recordOf, running, until, untilStatus } from '../pods.ts';

const client = join(import.meta.dirname, '../../dist/client.js');

let home: TestHome;
beforeEach(() => {
  home = new TestHome();
});
afterEach(async () => {
  await endPods(home);
  home[Symbol.dispose]();
});

/** A pod that only waits, with rules for the calls of others. */
const startPod = async (rules: string): Promise<string> => {
  writeFileSync(
    join(home.dir, 'config/jobs/wait.yaml'),
    `name: wait\ndescription: x\ndomain: a\nintent: b\ncommand: [sleep, '600']\n${rules}`,
  );
  expect((await home.nika('pod', 'start', 'wait', '-d', '--id', 'JOB-wait')).code).toBe(0);
  return until('its socket', () => recordOf(home, 'JOB-wait')?.socket ?? undefined);
};

/** A program that makes one call and dies while it is held. */
const dieInCall = async (socket: string, isHeld: () => boolean): Promise<void> => {
  const file = join(home.dir, 'caller.mjs');
  writeFileSync(
    file,
    `import { connect } from ${JSON.stringify(client)};
const pod = await connect({ client: 'caller' });
const made = pod.tool('deploy', { where: 'production' }, () => console.log('made'));
await pod.note('it calls');
await made;`,
  );
  const env = { ...process.env, NIKA_SOCKET: socket };
  const child = spawn(process.execPath, [file], { env, stdio: 'inherit' });
  await until('the call to be held', isHeld);
  child.kill('SIGKILL');
};

const lines = () => home.lines('channels/JOB-wait.jsonl');
const untilEnded = () => until('the call to be ended', () => lines().find(({ type }) => type === 'tool_call'));
const GONE = { tool_name: 'deploy', ok: false, error: 'the program that made the call (caller) is gone' };

describe('a program that dies while its call is held', () => {
  it('by a question to a person: nothing waits any more, and the call is ended on the bus', async () => {
    const socket = await startPod("policy: { ask: ['deploy'] }\n");
    await dieInCall(socket, () => recordOf(home, 'JOB-wait')?.beat.status === 'waiting');
    expect((await untilEnded()).data).toMatchObject(GONE);
    const { code, stderr } = await home.nika('pod', 'allow', 'JOB-wait');
    expect([code, stderr]).toEqual([1, expect.stringContaining('waits for no answer')]);
    await untilStatus(home, 'JOB-wait', 'running');
    const back = lines().find(({ data }) => data['condition'] === 'pod_back');
    expect(back?.data['detail']).toBe('nobody waits for the answer any more');
  });

  it('by a pause: the call is ended on the bus, and is not made afterwards', async () => {
    const socket = await startPod('');
    expect((await home.nika('pod', 'pause', 'JOB-wait')).code).toBe(0);
    await dieInCall(socket, () => lines().some(({ data }) => data['text'] === 'it calls'));
    expect((await untilEnded()).data).toMatchObject(GONE);
    expect((await home.nika('pod', 'unpause', 'JOB-wait')).code).toBe(0);
    await home.nika('pod', 'stop', 'JOB-wait');
    expect(lines().filter(({ data }) => data['tool_name'] === 'deploy').length).toBe(1);
  });

  it('by a hook: the hook is ended too', async () => {
    const marker = `61${process.pid}`;
    const socket = await startPod(`hooks: { pre: [{ match: deploy, command: [sleep, '${marker}'], timeout: 5m }] }\n`);
    await dieInCall(socket, () => running(marker).length > 0);
    expect((await untilEnded()).data).toMatchObject(GONE);
    await until('the hook to end', () => running(marker).length === 0);
  });
});
