import { existsSync, mkdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { recordPath } from '../../src/pod/registry/record-file.ts';
import { TestHome } from '../nika.ts';
import { endPods, recordOf, recordsOf, running, until, untilTool } from '../pods.ts';

let home: TestHome;
beforeEach(() => {
  home = new TestHome();
});
afterEach(async () => {
  await endPods(home);
  home[Symbol.dispose]();
});

const typesOf = (lines: readonly { readonly type: string }[]): readonly string[] => lines.map(({ type }) => type);
const channel = (id: string) => home.lines(`channels/${id}.jsonl`);

describe('retry', () => {
  it('tries again in a new session until it works; the entity stays open between', async () => {
    const file = join(home.cwd, 'tries');
    const step = `  - { tool: shell, input: { command: "echo x >> ${file}; [ $(wc -l < ${file}) -ge 3 ]" } }`;
    home.job('third', step, 'retry: { attempts: 5, backoff: 10ms }');
    const { code, stdout } = await home.nika('pod', 'start', 'third', '--id', 'JOB-third');
    expect([code, readFileSync(file, 'utf8')]).toEqual([0, 'x\nx\nx\n']);
    expect(stdout).toContain('attempt 1 failed');
    const session = ['session_start', 'entity_started', 'tool_call'];
    expect(typesOf(channel('JOB-third'))).toEqual([
      'entity_created',
      ...session,
      'attempt_failed',
      'session_end_summary',
      'session_start',
      'tool_call',
      'attempt_failed',
      'session_end_summary',
      'session_start',
      'tool_call',
      'job_completed',
      'session_end_summary',
    ]);
    expect(new Set(channel('JOB-third').map(({ meta }) => meta['attempt']))).toEqual(new Set([1, 2, 3]));
    expect(new Set(channel('JOB-third').map(({ meta }) => meta['session_id'])).size).toBe(3);
    const left = channel('JOB-third').flatMap(({ type, data }) =>
      type === 'attempt_failed' ? [data['attempts_left']] : [],
    );
    expect(left).toEqual([4, 3]);
  });

  it('ends with the last attempt: job_failed comes once', async () => {
    home.job('never', '  - { tool: shell, input: { argv: ["false"] } }', 'retry: { attempts: 2, backoff: 1ms }');
    const { code } = await home.nika('pod', 'start', 'never', '--id', 'JOB-never', '-q');
    expect(code).toBe(1);
    expect(typesOf(channel('JOB-never')).filter((type) => /failed/.test(type))).toEqual([
      'attempt_failed',
      'job_failed',
    ]);
  });

  it('does not try again what a person stopped', async () => {
    home.job('long', '  - { tool: shell, input: { argv: [sleep, "300.123"] } }', 'retry: { attempts: 3 }');
    await home.nika('pod', 'start', 'long', '-d', '--id', 'JOB-long');
    await untilTool(home, 'JOB-long');
    await home.nika('pod', 'stop', 'long');
    expect(recordsOf(home)).toHaveLength(1);
    expect(typesOf(channel('JOB-long'))).toContain('job_cancelled');
  });

  it('of a pod that died: the attempt has failed, and a restart goes on with the next one', async () => {
    const file = join(home.cwd, 'go');
    home.job(
      'flaky',
      `  - { tool: shell, input: { command: "[ -e ${file} ] || sleep 300" } }`,
      'retry: { attempts: 2 }',
    );
    await home.nika('pod', 'start', 'flaky', '-d', '--id', 'JOB-flaky');
    const { process: by } = await untilTool(home, 'JOB-flaky');
    process.kill(by.pid, 'SIGKILL');
    await until('it to be gone', () => running('supervise-worker').every((pid) => pid !== by.pid));
    expect((await home.nika('pod', 'show', 'flaky')).stdout).toContain('lost');
    expect(channel('JOB-flaky').find(({ type }) => type === 'attempt_failed')?.data).toMatchObject({
      attempts_left: 1,
    });
    expect((await home.nika('tree')).stdout).toContain('in progress');
    writeFileSync(file, '');
    expect((await home.nika('pod', 'restart', 'flaky')).stdout).toBe('JOB-flaky\n');
    expect((await home.nika('pod', 'wait', 'flaky')).code).toBe(0);
    expect(recordOf(home, 'JOB-flaky')).toMatchObject({ attempt: 2, end: { status: 'completed' } });
    expect((await home.nika('bus', 'verify')).code).toBe(0);
  });
});

describe('between two attempts', () => {
  const slowly = 'retry: { attempts: 2, backoff: 1h }';
  const untilBackoff = (id: string) =>
    until('the wait for the second attempt', () => {
      const record = recordOf(home, id);
      return record?.attempt === 2 && record.beat.status === 'starting' && record;
    });

  it('a stop ends the job: it is cancelled, and not left open', async () => {
    home.job('never', '  - { tool: shell, input: { argv: ["false"] } }', slowly);
    await home.nika('pod', 'start', 'never', '-d', '--id', 'JOB-never');
    await untilBackoff('JOB-never');
    expect((await home.nika('pod', 'stop', 'never')).code).toBe(0);
    expect((await home.nika('pod', 'wait', 'never', '--timeout', '10s')).code).toBe(143);
    expect(typesOf(channel('JOB-never')).slice(-2)).toEqual(['job_cancelled', 'session_end_summary']);
  });

  it('a stop that comes in the moment between them ends the job too', async () => {
    home.job('never', '  - { tool: shell, input: { argv: ["false"] } }', 'retry: { attempts: 50, backoff: 1ms }');
    const pod = home.start(['pod', 'start', 'never', '--id', 'JOB-never']);
    await pod.printed('attempt 3 failed');
    pod.child.kill('SIGTERM');
    expect((await pod.ended).code).toBe(143);
    expect(typesOf(channel('JOB-never')).slice(-2)).toEqual(['job_cancelled', 'session_end_summary']);
  });

  it('one that dies is closed as well: with the last attempt the job has failed', async () => {
    home.job('never', '  - { tool: shell, input: { argv: ["false"] } }', slowly);
    await home.nika('pod', 'start', 'never', '-d', '--id', 'JOB-never');
    const { process: by, session } = await untilBackoff('JOB-never');
    process.kill(by.pid, 'SIGKILL');
    await until('it to be gone', () => running('supervise-worker').every((pid) => pid !== by.pid));
    expect((await home.nika('pod', 'show', 'never')).stdout).toContain('lost');
    const last = channel('JOB-never').slice(-2);
    expect(typesOf(last)).toEqual(['job_failed', 'session_end_summary']);
    expect(last.map(({ meta }) => [meta['session_id'], meta['attempt']])).toEqual([
      [session, 2],
      [session, 2],
    ]);
    expect((await home.nika('bus', 'verify')).code).toBe(0);
  });
});

it('a pod that died is closed once, also where its record cannot be written', async () => {
  home.job('long', '  - { tool: shell, input: { argv: [sleep, "300.9"] } }');
  await home.nika('pod', 'start', 'long', '-d', '--id', 'JOB-long');
  const { process: by, session } = await untilTool(home, 'JOB-long');
  mkdirSync(join(home.dir, 'run/pods', `${session}.json.new`));
  process.kill(by.pid, 'SIGKILL');
  await until('it to be gone', () => running('supervise-worker').every((pid) => pid !== by.pid));
  for (let round = 0; round < 3; round += 1) await home.nika('pod', 'ls');
  expect(typesOf(channel('JOB-long')).filter((type) => /failed|summary/.test(type))).toEqual([
    'job_failed',
    'session_end_summary',
  ]);
});

describe('pod restart', () => {
  it('knows how a pod was started also after retries', async () => {
    home.job('never', '  - { tool: shell, input: { argv: ["false"] } }', 'retry: { attempts: 3, backoff: 1ms }');
    await home.nika('pod', 'start', 'never', '--id', 'JOB-never', '-q');
    expect((await home.nika('pod', 'restart', 'never')).code).toBe(0);
  });

  it('twice at once starts one: an entity is worked on by one pod at a time', async () => {
    const file = join(home.cwd, 'go');
    home.job(
      'flaky',
      `  - { tool: shell, input: { command: "[ -e ${file} ] && sleep 1 || sleep 300.43" } }`,
      'retry: { attempts: 2 }',
    );
    await home.nika('pod', 'start', 'flaky', '-d', '--id', 'JOB-flaky');
    const { process: by } = await untilTool(home, 'JOB-flaky');
    await until('it to have found no file', () => running('sleep\u0000300.43').length > 0);
    process.kill(by.pid, 'SIGKILL');
    await until('it to be gone', () => running('supervise-worker').every((pid) => pid !== by.pid));
    await home.nika('pod', 'ls');
    writeFileSync(file, '');
    const both = await Promise.all([home.nika('pod', 'restart', 'flaky'), home.nika('pod', 'restart', 'flaky')]);
    await home.nika('pod', 'wait', 'flaky');
    expect(typesOf(channel('JOB-flaky')).filter((type) => type === 'job_completed')).toHaveLength(1);
    // One that comes late finds the other at work, and takes its place: never beside it.
    const sessions = typesOf(channel('JOB-flaky')).filter((type) => type.startsWith('session_'));
    expect(sessions.length).toBeGreaterThanOrEqual(4);
    expect(sessions.every((type, at) => type === (at % 2 === 0 ? 'session_start' : 'session_end_summary'))).toBe(true);
    expect(both.some(({ code }) => code === 0)).toBe(true);
  });

  it('starts a job that is over anew, with the same inputs, in the same folder', async () => {
    home.job('say', '  - { tool: shell, input: { command: "echo ${{ inputs.word }}; pwd" } }', 'inputs: { word: {} }');
    await home.nika('pod', 'start', 'say', '--id', 'JOB-say', '-i', 'word=hi there', '-q');
    const { code, stdout } = await home.nika('pod', 'restart', 'JOB-say');
    const again = stdout.trim();
    expect([code, again]).toEqual([0, expect.stringMatching(/^JOB-\d{8}-/)]);
    await home.nika('pod', 'wait', again);
    expect((await home.nika('pod', 'result', again)).stdout).toBe(`hi there\n${home.cwd}\n`);
  });

  it('of one that runs: its attempt ends, and the job goes on under its id', async () => {
    const file = join(home.cwd, 'go');
    home.job('wait', `  - { tool: shell, input: { command: "[ -e ${file} ] || sleep 300.41" } }`);
    await home.nika('pod', 'start', 'wait', '-d', '--id', 'JOB-wait');
    await until('it to have found no file', () => running('sleep\u0000300.41').length > 0);
    writeFileSync(file, '');
    expect((await home.nika('pod', 'restart', 'wait')).stdout).toBe('JOB-wait\n');
    expect((await home.nika('pod', 'wait', 'wait')).code).toBe(0);
    const types = typesOf(channel('JOB-wait'));
    expect(types.filter((type) => /^job_|attempt/.test(type))).toEqual(['attempt_failed', 'job_completed']);
    expect(existsSync(file)).toBe(true);
  });
});

describe('pod logs -f', () => {
  it('follows a pod through its attempts to its end', async () => {
    const file = join(home.cwd, 'go');
    const command = `[ -e ${file} ] && { echo second; exit 0; }; echo first; sleep 1; touch ${file}; exit 3`;
    const text = `name: twice\ndescription: x\ndomain: a\nintent: b\ncommand: '${command}'\n`;
    writeFileSync(join(home.dir, 'config/jobs/twice.yaml'), `${text}retry: { attempts: 2, backoff: 1s }\n`);
    await home.nika('pod', 'start', 'twice', '-d', '--id', 'JOB-twice');
    await untilTool(home, 'JOB-twice');
    expect(await home.nika('pod', 'logs', '-f', 'JOB-twice')).toMatchObject({ code: 0, stdout: 'first\nsecond\n' });
    expect(recordsOf(home)).toHaveLength(2);
  });
});

describe('pod prune', () => {
  it('removes records that cannot be read once they are older than a day, and counts them', async () => {
    await home.nika('run', '--id', 'JOB-a', '--', 'true');
    const session = recordOf(home, 'JOB-a')?.session ?? '';
    const path = recordPath(join(home.dir, 'run'), session);
    writeFileSync(path, readFileSync(path, 'utf8').slice(0, 100));
    expect((await home.nika('pod', 'prune')).stdout).toBe('Forgot 0 ended sessions.\n');
    const longAgo = new Date(Date.now() - 25 * 3_600_000);
    utimesSync(path, longAgo, longAgo);
    const said = '0 ended sessions and 1 record that cannot be read.\n';
    expect((await home.nika('pod', 'prune', '--dry-run')).stdout).toBe(`Would forget ${said}`);
    expect((await home.nika('pod', 'prune', '--dry-run', '--json')).stdout).toBe(
      `[{"id":null,"session":"${session}"}]\n`,
    );
    expect((await home.nika('pod', 'prune')).stdout).toBe(`Forgot ${said}`);
    expect(existsSync(path)).toBe(false);
  });

  it('forgets ended pods and what they wrote; those that run, and the bus, stay', async () => {
    await home.nika('run', '-d', '--id', 'JOB-a', '--', 'echo', 'out');
    await home.nika('pod', 'wait', 'JOB-a');
    expect((await home.nika('pod', 'logs', 'JOB-a')).stdout).toBe('out\n');
    await home.nika('run', '-d', '--id', 'JOB-b', '--', 'sleep', '300.5');
    await untilTool(home, 'JOB-b');
    const stdout = recordOf(home, 'JOB-a')?.stdout ?? '';
    expect((await home.nika('pod', 'prune', '--dry-run')).stdout).toBe('Would forget 1 ended session.\n');
    expect(existsSync(stdout)).toBe(true);
    expect((await home.nika('pod', 'prune')).stdout).toContain('Forgot 1 ended session');
    expect([existsSync(stdout), recordsOf(home).map(({ entity }) => entity)]).toEqual([false, ['JOB-b']]);
    expect(typesOf(channel('JOB-a'))).toContain('job_completed');
  });
});
