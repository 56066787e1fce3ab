import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Progress } from '@modelcontextprotocol/sdk/types.js';
import { addHostJob, addJob, McpAgent, openInside } from '../mcp.ts';
import { TestHome } from '../nika.ts';
import { endPods, recordOf, until, untilStatus, untilTool } from '../pods.ts';

let home: TestHome;
beforeEach(() => {
  home = new TestHome();
  addHostJob(home);
  addJob(
    home,
    'hello',
    'inputs: { name: { required: true }, times: { type: number, integer: true, default: 1 } }\ncommand: [echo, "hello ${{ inputs.name }}"]',
  );
  addJob(home, 'long', 'command: [sleep, "300"]');
});
afterEach(async () => {
  await endPods(home);
  home[Symbol.dispose]();
});

const settings = (text: string): void => writeFileSync(join(home.dir, 'config/nika.yaml'), text);

describe('an agent inside of a pod', () => {
  it('starts a pod below its own, in its trace, waits for it, and has its result', async () => {
    await using agent = await openInside(home, 'JOB-parent');
    const id = await agent.start('hello', { inputs: { name: 'you, and "all"' } });
    const waited = await agent.call('wait', { ids: [id] });
    expect(waited).toEqual({
      isError: false,
      text: expect.stringMatching(
        /^It has ended\.\nJOB-\S+ hello: completed, exit code 0, after \w+, 1 call\nhello you, and "all"$/,
      ),
    });
    const child = home.lines(`channels/${id}.jsonl`)[0];
    const [parent] = home.lines('channels/JOB-parent.jsonl');
    expect(child?.meta).toMatchObject({
      parent_id: 'JOB-parent',
      root_id: 'JOB-parent',
      trace_id: parent?.meta['trace_id'],
    });
    expect((await agent.call('result', { id })).text).toContain('hello you, and "all"');
  });

  it('sees itself and what it started among the pods that run', async () => {
    await home.nika('pod', 'start', 'long', '-d', '--id', 'JOB-other');
    await using agent = await openInside(home, 'JOB-parent');
    const id = await agent.start('long', { id: 'JOB-mine' });
    await untilTool(home, id);
    const lines = (await agent.call('fleet')).text.split('\n');
    expect(lines[0]).toBe('You run in JOB-parent. 3 pods run here.');
    expect(lines.slice(1).map((line) => line.replace(/: .*/, ''))).toEqual([
      'JOB-mine long (yours)',
      'JOB-other long',
      'JOB-parent host (you)',
    ]);
    expect(lines[1]).toMatch(/^JOB-mine long \(yours\): running for \w+, 0 calls; now: command sleep 300$/);
    expect((await agent.call('fleet', { mine: true })).text.split('\n')).toHaveLength(2);
  });

  it('may not stop its own pod, nor one above it, and stops others with why on the record', async () => {
    await using outer = await openInside(home, 'JOB-outer');
    await outer.start('host', { id: 'JOB-inner' });
    await using inner = await McpAgent.open(home, { env: { NIKA_ENTITY_ID: 'JOB-inner' } });
    for (const [id, who] of [
      ['JOB-inner', 'the pod that you run in'],
      ['JOB-outer', 'above the pod that you run in'],
    ] as const) {
      const refused = await inner.call('stop', { ids: [id], why: 'done' });
      expect(refused).toEqual({ isError: true, text: expect.stringContaining(`${id} is ${who}`) });
      expect((await inner.call('wait', { ids: [id] })).isError).toBe(true);
    }
    expect(recordOf(home, 'JOB-outer')?.end).toBeNull();
    const stopped = await outer.call('stop', { ids: ['JOB-inner'], why: 'not needed any more' });
    expect(stopped).toEqual({ isError: false, text: expect.stringMatching(/^JOB-inner host: cancelled/) });
    const [end] = home.lines('channels/JOB-inner.jsonl').filter(({ type }) => type === 'job_cancelled');
    expect(end?.data['reason']).toMatch(/JOB-outer: not needed any more$/);
    expect((await outer.call('stop', { ids: ['JOB-inner'], why: 'x' })).text).toMatch(/^had ended already: JOB-inner/);
  });

  it('sends to another pod, which sees from whom, and writes notes into the record of its own', async () => {
    await home.nika('pod', 'start', 'long', '-d', '--id', 'JOB-other');
    await untilTool(home, 'JOB-other');
    await using agent = await openInside(home, 'JOB-parent');
    expect((await agent.call('send', { id: 'JOB-other', text: 'use port 8081' })).text).toContain(
      'JOB-other has the message',
    );
    const [signal] = home.lines('channels/JOB-other.jsonl').filter(({ type }) => type === 'signal');
    expect(signal?.data['body']).toMatchObject({ text: 'use port 8081', from: 'JOB-parent' });
    expect((await agent.call('send', { id: 'JOB-parent', text: 'x' })).isError).toBe(true);
    expect(await agent.call('note', { text: 'port 8080 is taken', level: 'warn' })).toEqual({
      isError: false,
      text: 'Noted.',
    });
    const [note] = home.lines('channels/JOB-parent.jsonl').filter(({ type }) => type === 'note');
    expect(note?.data).toMatchObject({ text: 'port 8080 is taken', level: 'warn' });
  });
});

describe('how many pods an agent may start', () => {
  it('is capped by how deep they are, and says so', async () => {
    settings('mcp: { maxDepth: 1 }\n');
    await using outer = await openInside(home, 'JOB-outer');
    await outer.start('host', { id: 'JOB-inner' });
    await using inner = await McpAgent.open(home, { env: { NIKA_ENTITY_ID: 'JOB-inner' } });
    const refused = await inner.call('start_pod', { job: 'long' });
    expect(refused).toEqual({
      isError: true,
      text: expect.stringMatching(/^JOB-inner is 1 deep .*mcp\.maxDepth: 1\)\nDo the work yourself/),
    });
  });

  it('is capped by how many of them run at once, also where it asks for several at the same time', async () => {
    settings('mcp: { maxChildren: 2 }\n');
    await using agent = await openInside(home, 'JOB-parent');
    const wishes = ['JOB-a', 'JOB-b', 'JOB-c'].map((id) => agent.call('start_pod', { job: 'long', id }));
    const told = await Promise.all(wishes);
    expect(told.map(({ isError }) => isError)).toEqual([false, false, true]);
    expect(told[2]?.text).toMatch(/^2 pods that you started run.*\nWait for one of them, or stop one: JOB-a, JOB-b\.$/);
    await agent.call('stop', { ids: ['JOB-a'], why: 'room' });
    expect((await agent.call('start_pod', { job: 'long', id: 'JOB-c' })).isError).toBe(false);
  });

  it('holds for an agent outside of pods too', async () => {
    settings('mcp: { maxChildren: 1 }\n');
    await using agent = await McpAgent.open(home);
    await agent.start('long');
    expect((await agent.call('start_pod', { job: 'long' })).text).toContain('mcp.maxChildren: 1');
  });

  it('is capped by limits.pods of the machine: refused, or in line where it wants to wait', async () => {
    settings('limits: { pods: 1 }\n');
    await using agent = await openInside(home, 'JOB-parent');
    const refused = await agent.call('start_pod', { job: 'long' });
    expect(refused).toEqual({
      isError: true,
      text: expect.stringMatching(/^1 pod runs on this host.*\n.*\{"queue": true\}/),
    });
    const queued = await agent.call('start_pod', { job: 'long', id: 'JOB-next', queue: true });
    expect(queued.text).toMatch(/^JOB-next is in line: 1 pod runs on this host/);
    const why = /JOB-next long \(yours\): starting for \w+, 0 calls; 1 pod runs/;
    await until('the fleet to say why', async () => why.test((await agent.call('fleet', { mine: true })).text));
    await home.nika('pod', 'stop', 'JOB-parent');
    await untilStatus(home, 'JOB-next', 'running');
  });
});

describe('start_pod', () => {
  it.each([
    [{ job: 'helo', inputs: { name: 'x' } }, /^no job "helo"; did you mean "hello"[^]*Call jobs/],
    [{ job: 'hello' }, /^inputs of hello: name: is missing\nCall jobs/],
    [{ job: 'hello', inputs: { name: 'x', times: 1.5 } }, /times: must be a whole number/],
    [{ job: 'hello', inputs: { name: 'x', nme: 1 } }, /nme: unknown input; did you mean "name"/],
    [{ job: 'hello', inputs: { name: { a: 1 } } }, /^start_pod was called with wrong arguments: inputs\.name/],
    [{ job: './work/mine.yaml' }, /must be the name of a job; files cannot be given here/],
    [{ job: 'long', cwd: 'not-there' }, /^there is no folder \/.*\/work\/not-there$/],
    [{ job: 'long', id: 'JOB-../x' }, /not an entity id/],
    [{ job: 'long', name: 'x' }, /^start_pod was called with wrong arguments/],
    [{}, /^start_pod was called with wrong arguments: job: /],
  ])('says what is wrong and what to do: %j', async (wish, text) => {
    await using agent = await McpAgent.open(home);
    expect(await agent.call('start_pod', wish)).toEqual({ isError: true, text: expect.stringMatching(text) });
    expect((await agent.call('fleet', { all: true })).text).toBe('You run outside of pods. No pod runs here.');
  });

  it('starts in the folder that is named, without what says that it runs inside of an agent', async () => {
    mkdirSync(join(home.cwd, 'sub'));
    addJob(home, 'where', `command: 'pwd; echo "$CLAUDECODE-$NIKA_SOCKET-$OPENAI_API_KEY"'`);
    await using agent = await McpAgent.open(home, { env: { CLAUDECODE: '1', OPENAI_API_KEY: 'given' } });
    const id = await agent.start('where', { cwd: 'sub' });
    const [, , folder, marks] = (await agent.call('wait', { ids: [id] })).text.split('\n');
    expect(folder).toBe(join(home.cwd, 'sub'));
    expect(marks).toMatch(/^-.*\.sock-given$/);
  });
});

describe('wait', () => {
  it('answers in time with how they stand, those that have ended first, and tells of progress where it is asked to', async () => {
    await using agent = await McpAgent.open(home);
    const long = await agent.start('long');
    const short = await agent.start('hello', { inputs: { name: 'x' } });
    await untilStatus(home, short, 'completed');
    const told: Progress[] = [];
    const { text } = await agent.call('wait', { timeout_s: 1 }, { onprogress: (progress) => told.push(progress) });
    expect(text).toMatch(
      /^0 of 1 pod has ended\. Waited \d+s; call wait again to wait longer\.\nJOB-\S+ long: running for /,
    );
    expect(text).toContain(long);
    expect(told[0]).toMatchObject({ progress: expect.any(Number), total: 1, message: expect.stringContaining(long) });
    const both = (await agent.call('wait', { ids: [long, short], timeout_s: 0 })).text;
    expect(both).toMatch(
      new RegExp(`^1 of 2 pods have ended\\. [^]*\\n${short} hello: completed[^]*\\n${long} long: running`),
    );
    const any = await agent.call('wait', { ids: [long, short], any: true });
    expect(any.text).toMatch(new RegExp(`^1 of 2 pods have ended\\.\\n${short} hello`));
  });

  it('is given up with the request, and the server goes on', async () => {
    await using agent = await McpAgent.open(home);
    const id = await agent.start('long');
    const giveUp = new AbortController();
    const waiting = agent.call('wait', { ids: [id] }, { signal: giveUp.signal, onprogress: () => giveUp.abort() });
    await expect(waiting).rejects.toThrow(/abort/i);
    expect((await agent.call('fleet')).text).toContain(id);
    expect(agent.stderr).toBe('');
  });

  it('tells of a pod whose supervisor was killed meanwhile: it is lost, and closed', async () => {
    await using agent = await McpAgent.open(home);
    const id = await agent.start('long');
    const { process: by } = await untilTool(home, id);
    const waiting = agent.call('wait', { ids: [id] });
    process.kill(by.pid, 'SIGKILL');
    expect((await waiting).text).toMatch(
      /^It has ended\.\nJOB-\S+ long: lost, exit code 1, [^]*\nerror: the pod died without a word/,
    );
    expect(recordOf(home, id)?.end?.status).toBe('lost');
  });

  it('tells of a failure with its reason', async () => {
    addJob(home, 'bad', `command: 'echo half; echo "no such table" >&2; exit 3'`);
    await using agent = await McpAgent.open(home);
    const id = await agent.start('bad');
    expect((await agent.call('wait', { ids: [id] })).text).toMatch(
      /bad: failed, exit code 3, [^]*error: Exit code 3[^]*no such table/,
    );
  });

  it('says so where there is nothing to wait for', async () => {
    await using agent = await McpAgent.open(home);
    expect(await agent.call('wait')).toEqual({
      isError: true,
      text: expect.stringContaining('none of the pods that you started runs'),
    });
    expect((await agent.call('wait', { ids: ['JOB-none'] })).text).toMatch(/^no pod "JOB-none"[^]*Call fleet/);
  });
});

describe('result', () => {
  it('of a megabyte comes in parts, each as long as was asked for, and nothing of it is missing', async () => {
    const make = "Array.from({ length: 60_000 }, (_, at) => at + '🙂').join(' ')";
    writeFileSync(join(home.dir, 'config/jobs/huge.ts'), `export const run = () => ${make};\n`);
    addJob(home, 'huge', 'module: huge.ts');
    const whole = Array.from({ length: 60_000 }, (_, at) => `${at}🙂`).join(' ');
    await using agent = await McpAgent.open(home);
    const id = await agent.start('huge');
    const first = (await agent.call('wait', { ids: [id] })).text;
    expect(first.length).toBeLessThanOrEqual(4_000);
    expect(first).toMatch(/… \d+ of \d+ characters follow: result with \{"id": "JOB-\S+", "offset": \d+\}$/);
    let text = '';
    for (let offset = 0; ;) {
      const part = (await agent.call('result', { id, offset, max_chars: 99_999 })).text;
      const [, next] = /\n… .*"offset": (\d+)\}$/.exec(part) ?? [];
      text += part.slice(part.indexOf('\n') + 1).replace(/\n… .*$/, '');
      if (next === undefined) break;
      offset = Number(next);
    }
    expect(text === whole).toBe(true);
    expect((await agent.call('result', { id, offset: 10_000_000 })).isError).toBe(true);
  });

  it('of which the bus has lost the body is told as far as it is known', async () => {
    writeFileSync(join(home.dir, 'config/jobs/huge.ts'), "export const run = () => 'word '.repeat(60_000);\n");
    addJob(home, 'huge', 'module: huge.ts');
    await using agent = await McpAgent.open(home);
    const id = await agent.start('huge');
    await untilStatus(home, id, 'completed');
    rmSync(join(home.dir, '_bus/blobs'), { recursive: true });
    const told = await agent.call('wait', { ids: [id] });
    expect(told).toEqual({
      isError: false,
      text: expect.stringMatching(/\n"?word word [^]*\nonly its beginning can be read: .*ENOENT/),
    });
  });

  it('is refused while the pod runs, and of an id that nobody knows', async () => {
    await using agent = await McpAgent.open(home);
    const id = await agent.start('long');
    expect((await agent.call('result', { id })).text).toMatch(
      /^JOB-\S+ has no result yet: (?:starting|running)[^]*\nwait with \{"ids"/,
    );
    expect((await agent.call('result', { id: 'JOB-none' })).text).toMatch(/^no pod "JOB-none"/);
  });

  it('is read from the bus where the pod was pruned', async () => {
    await using agent = await McpAgent.open(home);
    const id = await agent.start('hello', { inputs: { name: 'bus' } });
    await agent.call('wait', { ids: [id] });
    await home.nika('pod', 'prune', '--keep', '0');
    expect(recordOf(home, id)).toBeUndefined();
    expect((await agent.call('result', { id })).text).toBe(`${id}: completed\nhello bus`);
  });
});
