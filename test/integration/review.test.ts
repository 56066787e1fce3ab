import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ToldAlpha } from '../fixtures/told-alpha.ts';
import { addJob, McpAgent } from '../mcp.ts';
import { recordOf, until, untilStatus } from '../pods.ts';
import { WorktreeHome } from '../worktree-home.ts';

let home: WorktreeHome;
beforeEach(() => {
  home = new WorktreeHome();
});
afterEach(() => home[Symbol.asyncDispose]());

const SAYS_WHY = `review: required
inputs:
  review_reason: { type: string, default: none }
command: 'echo "$NIKA_REVIEW_ROUND $NIKA_REVIEW_REASON" >> rounds.txt; echo "\${NIKA_REVIEW_REASON:-first}"'`;

const typesOf = (id: string): readonly string[] =>
  home
    .lines(`channels/${id}.jsonl`)
    .map(({ type }) => type)
    .filter((type) => /^(?:entity|review|job)_/.test(type));

const lastOf = (id: string, type: string) => home.lines(`channels/${id}.jsonl`).findLast((line) => line.type === type);
const decisionsOf = (id: string) => home.lines(`channels/${id}.jsonl`).filter(({ type }) => type === 'review_decision');
const asks = (id: string, attempt = 1) =>
  until(`${id} to ask for review`, () => {
    const record = recordOf(home, id);
    return record?.attempt === attempt && record.end?.status === 'awaiting_review' && record;
  });

/** Runs it to its end. */
const ask = async (id: string, job = 'fix'): Promise<void> => {
  const { code } = await home.nika('pod', 'start', job, '--id', id);
  expect(code).toBe(4);
};

describe('a job with review', () => {
  it('is completed by who accepts it, with the result that was asked about', async () => {
    addJob(home, 'fix', SAYS_WHY);
    const started = await home.nika('pod', 'start', 'fix', '--id', 'JOB-a');
    expect(started).toMatchObject({ code: 4 });
    expect(started.stdout).toContain('nika review accept JOB-a');
    expect(await home.nika('pod', 'wait', 'JOB-a', '--json')).toMatchObject({
      code: 4,
      stdout: '{"id":"JOB-a","status":"awaiting_review","exit_code":4}\n',
    });
    expect((await home.nika('pod', 'ls')).stdout).toContain('awaiting review');
    expect((await home.nika('tree')).stdout).toContain('awaiting review');
    expect(lastOf('JOB-a', 'session_end_summary')?.data).toMatchObject({ outcome: 'awaiting_review', exit_code: 4 });
    expect(JSON.parse((await home.nika('review', 'list', '--json')).stdout)).toMatchObject({
      id: 'JOB-a',
      reviewer: null,
      round: 1,
      rounds: 3,
      result: 'first',
    });
    const accepted = await home.nika('review', 'accept', 'JOB-a', '--reason', 'it is right');
    expect(accepted).toMatchObject({ code: 0, stdout: 'JOB-a is completed: accepted in round 1\n' });
    expect(typesOf('JOB-a').slice(-3)).toEqual(['review_request', 'review_decision', 'job_completed']);
    expect(lastOf('JOB-a', 'job_completed')?.data).toMatchObject({ from: 'awaiting_review', rev: 4, result: 'first' });
    expect(lastOf('JOB-a', 'review_decision')?.data).toMatchObject({ decision: 'accepted', reason: 'it is right' });
    expect((await home.nika('pod', 'wait', 'JOB-a')).code).toBe(0);
    expect((await home.nika('tree', '--json')).stdout).toContain('"state":"completed"');
    expect((await home.nika('review', 'list')).stdout).toBe('Nothing awaits review.\n');
    expect((await home.nika('bus', 'verify')).code).toBe(0);
    const again = await home.nika('review', 'accept', 'JOB-a');
    expect(again.code).toBe(2);
    expect(again.stderr).toContain('JOB-a does not await review; it is completed: accepted in round 1 by');
  });

  it('is done again with the reason until it is rejected for the third time, in the same worktree', async () => {
    addJob(home, 'fix', `worktree: { keep: never }\n${SAYS_WHY}`);
    await ask('JOB-r');
    const first = recordOf(home, 'JOB-r')?.worktree?.path ?? '';
    const shown = await home.nika('review', 'show', 'JOB-r');
    expect(shown.stdout).toMatch(/round +1 of 3[^]*first[^]*rounds\.txt \| 1 \+/);
    for (const round of [1, 2]) {
      const rejected = await home.nika('review', 'reject', 'JOB-r', '--reason', `wrong ${round}`);
      expect(rejected.stdout).toBe(`JOB-r was rejected in round ${round}, and is done again: attempt ${round + 1}\n`);
      expect((await asks('JOB-r', round + 1)).worktree?.path).toBe(first);
    }
    expect(readFileSync(join(first, 'rounds.txt'), 'utf8')).toBe(' \n2 wrong 1\n3 wrong 2\n');
    const start = lastOf('JOB-r', 'session_start');
    expect(start?.data['inputs']).toEqual({ review_reason: 'wrong 2' });
    const restarted = await home.nika('pod', 'restart', 'JOB-r');
    expect(restarted.stderr).toContain('NIKA_REVIEW_PENDING');
    const last = await home.nika('review', 'reject', 'JOB-r', '--reason', 'wrong 3');
    expect(last.stdout).toContain('JOB-r has failed: rejected in review, round 3 of 3: wrong 3');
    expect(lastOf('JOB-r', 'job_failed')?.data).toMatchObject({ code: 'rejected', from: 'awaiting_review' });
    expect((await home.nika('pod', 'wait', 'JOB-r')).code).toBe(1);
    expect(existsSync(first)).toBe(true); // whoever rejects it for good may want to look
  });

  it('is decided once by four who decide at the same time; the others are told who did', async () => {
    addJob(home, 'fix', SAYS_WHY);
    await ask('JOB-m');
    const deciders = await Promise.all([
      home.nika('review', 'accept', 'JOB-m'),
      home.nika('review', 'reject', 'JOB-m', '--final', '--reason', 'no'),
      home.nika('review', 'accept', 'JOB-m'),
      home.nika('review', 'reject', 'JOB-m', '--final', '--reason', 'no'),
    ]);
    expect(deciders.filter(({ code }) => code === 0)).toHaveLength(1);
    for (const { stderr } of deciders.filter(({ code }) => code !== 0))
      expect(stderr).toContain('does not await review');
    expect(decisionsOf('JOB-m')).toHaveLength(1);
  });

  it('goes on though whoever rejected it was killed before its next attempt began', async () => {
    addJob(home, 'fix', SAYS_WHY);
    await ask('JOB-k');
    const reviewer = home.start(['review', 'reject', 'JOB-k', '--reason', 'once more']);
    const file = join(home.dir, '_bus/channels/JOB-k.jsonl');
    while (!readFileSync(file, 'utf8').includes('"review_decision"')) await new Promise(setImmediate);
    reviewer.child.kill('SIGKILL');
    await reviewer.ended;
    expect(typesOf('JOB-k').at(-1)).toBe('review_decision');
    expect((await home.nika('pod', 'ls', '--all')).stdout).toContain('failed');
    await home.nika('review', 'list');
    expect((await asks('JOB-k', 2)).end?.result).toBe('once more');
    expect(decisionsOf('JOB-k')).toHaveLength(1);
  });

  it('is done again by Alpha where whoever rejected it was killed, and nobody looks', async () => {
    addJob(home, 'fix', SAYS_WHY);
    await ask('JOB-n');
    const reviewer = home.start(['review', 'reject', 'JOB-n', '--reason', 'once more']);
    const file = join(home.dir, '_bus/channels/JOB-n.jsonl');
    while (!readFileSync(file, 'utf8').includes('"review_decision"')) await new Promise(setImmediate);
    reviewer.child.kill('SIGKILL');
    await reviewer.ended;
    await using _alpha = ToldAlpha.start(home);
    expect((await asks('JOB-n', 2)).end?.result).toBe('once more');
    expect(decisionsOf('JOB-n')).toHaveLength(1);
  });

  it('awaits review, and is not lost, where its pod was killed behind its request', async () => {
    addJob(home, 'fix', SAYS_WHY);
    const sockets: Socket[] = [];
    const silent = createServer((socket) => sockets.push(socket)).listen(0, '127.0.0.1'); // a Redis that the end waits for
    await once(silent, 'listening');
    const { port } = silent.address() as { port: number };
    const env = { NIKA_REDIS_URL: `redis://127.0.0.1:${port}` };
    const pod = home.start(['pod', 'start', 'fix', '--id', 'JOB-l'], env);
    await until(
      'the request',
      () => existsSync(join(home.dir, '_bus/channels/JOB-l.jsonl')) && lastOf('JOB-l', 'review_request'),
    );
    pod.child.kill('SIGKILL');
    await pod.ended;
    for (const socket of sockets) socket.destroy();
    silent.close();
    expect((await home.nika('pod', 'ls')).stdout).toContain('awaiting review');
    expect(recordOf(home, 'JOB-l')?.end).toMatchObject({ status: 'awaiting_review', exit_code: 4 });
    expect(lastOf('JOB-l', 'session_end_summary')?.data).toMatchObject({ outcome: 'awaiting_review' });
    expect((await home.nika('review', 'accept', 'JOB-l')).code).toBe(0);
    expect(typesOf('JOB-l').at(-1)).toBe('job_completed');
  });

  it('is told to people by the ways that tell of review', async () => {
    addJob(home, 'fix', SAYS_WHY);
    const told = join(home.dir, 'told.json');
    writeFileSync(
      join(home.dir, 'config/nika.yaml'),
      `notify:\n  - { on: [review], command: [sh, -c, 'cat > ${told}.part && mv ${told}.part ${told}'] }\n`,
    );
    await ask('JOB-n');
    const notice = await until('somebody to be told', () => existsSync(told) && readFileSync(told, 'utf8'));
    expect(JSON.parse(notice)).toMatchObject({
      on: 'review',
      text: 'first\nnika review show n',
      end: { outcome: 'awaiting_review', exit_code: 4, result: 'first' },
    });
  });
});

const PARENT = `import { appendFileSync } from 'node:fs';
export const run = async (pod) => {
  const { promise, resolve } = Promise.withResolvers();
  pod.onMessage(({ text, from }) => {
    appendFileSync(process.env.NIKA_HOME + '/heard.txt', from + ': ' + text + '\\n');
    if (text === 'end') resolve('done');
  });
  return promise;
};
`;

describe('a parent pod', () => {
  it('is sent the request, decides on its children, and never on its own work', async () => {
    writeFileSync(join(home.dir, 'config/jobs/parent.ts'), PARENT);
    addJob(home, 'parent', 'review: required\nmodule: ./parent.ts');
    addJob(home, 'fix', SAYS_WHY);
    const told = join(home.dir, 'told.json');
    writeFileSync(
      join(home.dir, 'config/nika.yaml'),
      `notify:\n  - { on: [review], command: [sh, -c, 'cat >> ${told}'] }\n`,
    );
    await home.nika('pod', 'start', 'parent', '-d', '--id', 'JOB-parent');
    await untilStatus(home, 'JOB-parent', 'running');
    await until('it to listen', async () => (await home.nika('pod', 'send', 'JOB-parent', 'hello')).stderr === '');
    const { code } = await home.nika('pod', 'start', 'fix', '--id', 'JOB-child', '--parent', 'JOB-parent');
    expect(code).toBe(4);
    const heard = await until('the parent to hear', () => {
      const file = join(home.dir, 'heard.txt');
      const text = existsSync(file) ? readFileSync(file, 'utf8') : '';
      return text.includes('JOB-child') && text;
    });
    expect(heard).toContain('JOB-child: JOB-child (fix) has ended and asks you for review, round 1 of 3.');
    expect(lastOf('JOB-child', 'review_request')?.data).toMatchObject({ reviewer: 'JOB-parent' });

    await using child = await McpAgent.open(home, { env: { NIKA_ENTITY_ID: 'JOB-child' } });
    const own = await child.call('review_decide', { id: 'JOB-child', accept: true });
    expect(own).toMatchObject({ isError: true });
    expect(own.text).toContain('JOB-child cannot decide on its own work');
    await using parent = await McpAgent.open(home, { env: { NIKA_ENTITY_ID: 'JOB-parent' } });
    expect((await parent.call('review_list')).text).toContain(
      'JOB-child fix: round 1 of 3, asked of JOB-parent: first',
    );
    expect((await parent.call('review_list', { id: 'JOB-child' })).text).toContain('first');
    const rejected = await parent.call('review_decide', { id: 'JOB-child', accept: false, reason: 'say more' });
    expect(rejected.text).toContain('JOB-child is done again');
    expect((await asks('JOB-child', 2)).end?.result).toBe('say more');
    expect((await parent.call('review_decide', { id: 'JOB-child', accept: true })).text).toBe(
      'JOB-child is completed.',
    );
    expect(lastOf('JOB-child', 'review_decision')?.data).toMatchObject({ by: 'JOB-parent', decision: 'accepted' });

    await home.nika('pod', 'send', 'JOB-parent', 'end');
    await asks('JOB-parent');
    const above = await child.call('review_decide', { id: 'JOB-parent', accept: true });
    expect(above.text).toContain('JOB-child cannot decide on JOB-parent: it is not below it');
    const inside = home.start(['review', 'accept', 'JOB-parent'], { NIKA_ENTITY_ID: 'JOB-parent' });
    expect((await inside.ended).stderr).toContain('NIKA_REVIEW_OWN');
    const people = await until('people to be told', () => existsSync(told) && readFileSync(told, 'utf8'));
    expect(people).toContain('JOB-parent'); // the parent heard of its child itself
    expect(people).not.toContain('JOB-child');
  });
});
