import { spawn } from 'node:child_process';
import { existsSync, globSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { listSpool, spoolDir } from '../../src/notify/spool.ts';
import { readState } from '../../src/notify/state.ts';
import { diagnose, type Diagnosis } from '../doctor.ts';
import { TestHome } from '../nika.ts';
import { endPods, recordOf, recordsOf, running, sendersOf, until, untilStatus } from '../pods.ts';
import { freePort } from '../servers/redis.ts';
import { type Answer, isSigned, type Taken, WebhookServer } from '../servers/webhook.ts';

const SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
const KEY_IN_ERROR = 'sk-ant-api03-0123456789abcdefghijklmnopqrstuvwxyz-0123456789';

let home: TestHome;
let server: WebhookServer;
beforeEach(async () => {
  home = new TestHome();
  server = await WebhookServer.open();
});

const senders = (): readonly number[] => sendersOf(home);

const spool = (): string => spoolDir(join(home.dir, 'run'));

/** All was sent or given up, and its process has ended by itself. */
const untilIdle = async (): Promise<void> => {
  await until('all to be sent', () => listSpool(spool()).length === 0);
  await until('the sender to end', () => senders().length === 0);
};

afterEach(async () => {
  await endPods(home);
  await server[Symbol.asyncDispose]();
  home[Symbol.dispose]();
});

const env = { HOOK_SECRET: SECRET };
const nika = (...args: readonly string[]) => home.start(args, env).ended;

const settle = (...ways: readonly string[]): void =>
  writeFileSync(join(home.dir, 'config/nika.yaml'), `notify:\n${ways.map((way) => `  - ${way}\n`).join('')}`);

const webhook = (on: string, more = ''): string =>
  `{ on: [${on}], webhook: { url: '${server.url}', secret: { env: HOOK_SECRET } } ${more} }`;

/** What doctor finds once it had the time to look: on a busy machine it says that it had not. */
const untilDiagnosed = (more: Readonly<Record<string, string>> = env): Promise<Diagnosis> =>
  until('doctor to have looked', async () => {
    const found = await diagnose(home, more);
    return found.of('notify.ways') !== undefined && found;
  });

interface Told {
  readonly on: string;
  readonly title: string;
  readonly text: string;
  readonly pod: { readonly id: string };
  readonly waiting: { readonly reason: string; readonly more: number } | null;
  readonly end: { readonly outcome: string; readonly exit_code: number; readonly error: string | null } | null;
}

const told = (): readonly Told[] => server.taken.map(({ json }) => json['data'] as Told);
const untilTold = (count: number): Promise<readonly Told[]> =>
  until(`${count} to be told, not ${server.taken.length}`, () => server.taken.length >= count && told());
const idOf = ({ headers }: Taken): unknown => headers['webhook-id'];

/** A module that asks a person twice at once. */
const askingJob = (): void => {
  writeFileSync(
    join(home.dir, 'config/jobs/m.mjs'),
    `export const run = (pod) => {
  const deploy = pod.tool('deploy', async (where) => where);
  return Promise.all([deploy('one'), deploy('two')]);
};`,
  );
  writeFileSync(
    join(home.dir, 'config/jobs/m.yaml'),
    "name: m\ndescription: x\ndomain: test\nintent: prove\nmodule: ./m.mjs\npolicy: { ask: ['deploy'] }\n",
  );
};

const answerAll = async (): Promise<void> => {
  for (let answered = 0; answered < 2; answered += 1) {
    await untilStatus(home, 'JOB-m', 'waiting');
    await nika('pod', 'allow', 'm');
  }
  expect((await nika('pod', 'wait', 'm')).code).toBe(0);
};

describe('people are told of a pod', () => {
  it('that failed: signed, by every way that wants it, with no secret; and of one that was stopped, nothing', async () => {
    const file = join(home.dir, 'told');
    settle(
      webhook('failed'),
      `{ command: 'cat > ${file}; env > ${file}.env' }`,
      `{ on: [finished], command: 'exit 1' }`,
    );
    home.job('bad', `  - { tool: shell, input: { command: "echo ${KEY_IN_ERROR} >&2; exit 7" } }`);
    expect((await nika('pod', 'start', 'bad', '--id', 'JOB-bad')).code).toBe(1);
    const [notice] = await untilTold(1);
    expect(notice).toMatchObject({
      on: 'failed',
      title: expect.stringMatching(/^bad failed after \d/),
      pod: { id: 'JOB-bad', job: 'bad', domain: 'test', home: home.dir },
      end: { outcome: 'failed', exit_code: 1, calls: 1, errors: 1, error: expect.stringContaining('Exit code 7') },
    });
    expect(server.taken.every((taken) => isSigned(taken, SECRET))).toBe(true);
    const given = await until(
      'the command',
      () => existsSync(`${file}.env`) && statSync(`${file}.env`).size > 0 && file,
    );
    expect(JSON.parse(readFileSync(given, 'utf8'))).toEqual(notice);
    expect(readFileSync(`${given}.env`, 'utf8')).toMatch(/^NIKA_NOTIFY_ON=failed$/m);
    home.job('long', '  - { tool: shell, input: { argv: [sleep, "60"] } }');
    await nika('pod', 'start', 'long', '-d', '--id', 'JOB-long');
    await nika('pod', 'stop', 'long');
    await untilIdle();
    expect(server.taken.length).toBe(1);
    // G7: neither what the pod printed nor what signs stands anywhere.
    const all = globSync('{run,logs,_bus}/**', { cwd: home.dir }).map((name) => join(home.dir, name));
    const texts = all.filter((path) => statSync(path).isFile()).map((path) => readFileSync(path, 'utf8'));
    expect(texts.concat(server.taken.map(({ body }) => body)).filter((text) => text.includes(KEY_IN_ERROR))).toEqual(
      [],
    );
    expect(texts.filter((text) => text.includes(SECRET.slice('whsec_'.length)))).toEqual([]);
  });

  it('once, when no attempt is left', async () => {
    settle(webhook('failed, finished'));
    const fails = '  - { tool: shell, input: { command: "exit 1" } }';
    home.job('again', fails, 'retry: { attempts: 3, backoff: 10ms }');
    await nika('pod', 'start', 'again');
    await untilTold(1);
    await untilIdle();
    expect(told().map(({ on }) => on)).toEqual(['failed']);
    expect(recordsOf(home).length).toBe(3);
  });

  it('that waits, once for all it waits for, when that lasts; what is over sooner is told to nobody', async () => {
    askingJob();
    settle(webhook('waiting', ', after: 500ms'), webhook('finished'));
    await nika('pod', 'start', 'm', '-d', '--id', 'JOB-m');
    const [notice] = await untilTold(1);
    expect(notice).toMatchObject({ on: 'waiting', title: 'm waits for permission' });
    expect(notice?.waiting).toMatchObject({ reason: 'permission', more: 1 });
    expect(notice?.text).toMatch(/^asks: deploy one: .*\nand 1 more\nnika pod allow m, nika pod deny m$/);
    await answerAll();
    await untilTold(2);
    settle(webhook('waiting', ', after: 1m'), webhook('finished'));
    await nika('pod', 'prune', '--keep', '0');
    await nika('pod', 'start', 'm', '-d', '--id', 'JOB-again');
    await until('its questions', () => recordOf(home, 'JOB-again')?.beat.status === 'waiting');
    await nika('pod', 'allow', 'JOB-again');
    await until('the second one', () => recordOf(home, 'JOB-again')?.beat.status === 'waiting');
    await nika('pod', 'allow', 'JOB-again');
    await untilTold(3);
    await untilIdle();
    expect(told().map(({ on }) => on)).toEqual(['waiting', 'finished', 'finished']);
  });

  it('that comes near a limit, and that is ended by it: which is a failure too', async () => {
    settle(webhook('budget'), `{ on: [failed], command: 'echo "$NIKA_NOTIFY_ON" >>failed' }`);
    const step = '  - { tool: shell, input: { command: "true" } }\n';
    home.job('greedy', step.repeat(6), 'limits: { tool_calls: 5 }');
    expect((await nika('pod', 'start', 'greedy', '--id', 'JOB-greedy')).code).toBe(3);
    await untilTold(2);
    await untilIdle();
    const [near, over] = told().toSorted((a, b) => Number(a.end !== null) - Number(b.end !== null));
    expect(near).toMatchObject({ on: 'budget', title: 'greedy is near its limit', end: null });
    expect(over).toMatchObject({ on: 'budget', end: { outcome: 'limit', exit_code: 3 } });
    expect(readFileSync(join(home.dir, 'failed'), 'utf8')).toBe('budget\n');
  });

  it('that is lost, once, by whoever closes it', async () => {
    settle(webhook('lost'));
    home.job('long', '  - { tool: shell, input: { argv: [sleep, "60"] } }');
    await nika('pod', 'start', 'long', '-d', '--id', 'JOB-long');
    process.kill(recordOf(home, 'JOB-long')?.process.pid ?? 0, 'SIGKILL');
    await until('its process to be gone', () =>
      running('supervise-worker').every((pid) => !running(home.dir).includes(pid)),
    );
    await Promise.all(['ls', 'ls', 'ls'].map((command) => nika('pod', command)));
    const [notice] = await untilTold(1);
    await untilIdle();
    expect(server.taken.length).toBe(1);
    expect(notice).toMatchObject({ on: 'lost', title: 'long is lost', end: { outcome: 'lost' } });
  });
});

it('the receiver of the docs takes what nika sends, says it once, and takes nothing from anybody else', async () => {
  const port = await freePort();
  const program = join(import.meta.dirname, '../../docs/examples/notify-receiver.ts');
  const receiver = spawn(process.execPath, [program, String(port)], { env: { ...process.env, ...env } });
  let said = '';
  receiver.stdout.on('data', (chunk) => (said += String(chunk)));
  await until('it to listen', () => said.includes('listening'));
  const url = `http://127.0.0.1:${port}/`;
  settle(`{ on: [finished], webhook: { url: '${url}', secret: { env: HOOK_SECRET } } }`);
  expect((await fetch(url, { method: 'POST', body: '{}' })).status).toBe(401);
  expect((await home.start(['notify', 'test'], { HOOK_SECRET: 'whsec_b3RoZXI=' }).ended).stdout).toContain('HTTP 401');
  await nika('run', '--', 'true');
  await until('it to be told', () => /^true finished after .*\nnika pod show /m.test(said));
  receiver.kill('SIGKILL');
});

describe('a server that does not take it', () => {
  it('is tried again with the same id, each try signed anew', async () => {
    server.answers = [503, 'reset', 200];
    settle(webhook('finished'));
    await nika('run', '--', 'true');
    await untilTold(3);
    await untilIdle();
    expect(new Set(server.taken.map(idOf)).size).toBe(1);
    expect(server.taken.every((taken) => isSigned(taken, SECRET))).toBe(true);
    const [state] = Object.values(readState(spool()));
    expect(state).toMatchObject({ sent: 1, failed: 2, given_up: 0 });
  });

  it('G1: hangs, and the end of a pod takes no longer for it, nor does another way', async () => {
    const file = join(home.dir, 'told');
    using without = new TestHome();
    settle(webhook('finished'), `{ on: [finished], command: 'echo >> ${file}' }`);
    server.answers = ['hang'];
    const RUNS = 5;
    const tookMs = { without: [] as number[], hanging: [] as number[] };
    for (let run = 0; run < RUNS; run += 1) {
      for (const kind of ['without', 'hanging'] as const) {
        const startMs = performance.now();
        const { code } = await (kind === 'hanging' ? home : without).start(['run', '--', 'true'], env).ended;
        tookMs[kind].push(performance.now() - startMs);
        expect(code).toBe(0);
      }
    }
    const median = (all: readonly number[]): number => all.toSorted((a, b) => a - b)[Math.floor(all.length / 2)] ?? 0;
    // The time limit of a try is 10 s. Some of it is the start of the sender, beside the pod.
    expect(median(tookMs.hanging)).toBeLessThan(median(tookMs.without) + 500);
    await until('the command to be told of all', () => existsSync(file) && statSync(file).size === RUNS);
    await untilTold(4); // as many at once
  });

  it('kill -9 of the sender: the next command sends what it left, with the same id', async () => {
    server.answers = ['hang', 200];
    settle(webhook('finished'));
    await nika('run', '--', 'true');
    await untilTold(1);
    const [sender = 0] = senders();
    process.kill(sender, 'SIGKILL');
    await until('it to be gone', () => senders().length === 0);
    expect(listSpool(spool()).length).toBe(1);
    await nika('pod', 'ls');
    await untilTold(2);
    await untilIdle();
    const [first, second] = server.taken.map(idOf);
    expect([second, listSpool(spool())]).toEqual([first, []]);
  });

  it('refuses for good: given up, and said by doctor', async () => {
    server.answers = [410];
    settle(webhook('finished'), `{ on: [finished], command: 'echo oh no >&2; exit 3' }`);
    await nika('run', '--', 'true');
    await untilTold(1);
    await untilIdle();
    expect(server.taken.length).toBe(1);
    const { findings, code } = await untilDiagnosed();
    const says = findings.filter(({ id }) => id === 'notify.ways').map((finding) => [finding.status, finding.says]);
    expect([code, says]).toEqual([
      0,
      [
        ['degraded', expect.stringMatching(/^webhook 127.*: HTTP 410 \(finished JOB-.*\); 0 sent, 1 given up$/)],
        ['degraded', expect.stringMatching(/^command echo.*: exit code 3: oh no \(finished JOB-/)],
      ],
    ]);
    expect(readFileSync(join(home.dir, 'logs/notify.jsonl'), 'utf8')).toContain('"why":"HTTP 410"');
  });
});

describe('nika notify test', () => {
  it('tries each way for real and says what came of it', async () => {
    settle(webhook('failed, waiting'), `{ on: [lost], command: 'exit 4' }`);
    const all = await nika('notify', 'test');
    expect([all.code, all.stdout]).toEqual([
      1,
      expect.stringMatching(/^✓ webhook 127[.\d:]+ +told of failed in \d+ ms\n✗ command exit 4 +exit code 4\n$/),
    ]);
    const waiting = await nika('notify', 'test', '--on', 'waiting', '--json');
    expect([waiting.code, JSON.parse(waiting.stdout)]).toEqual([
      0,
      [
        { way: expect.stringMatching(/^webhook /), on: 'waiting', kind: 'sent' },
        { way: 'command exit 4', on: null, kind: 'not told' },
      ],
    ]);
    expect(server.taken.map(({ json }) => (json['data'] as { is_test: boolean }).is_test)).toEqual([true, true]);
    expect(existsSync(spool())).toBe(false);
  });

  it('says what is missing: a way, a variable, a program', async () => {
    expect(await nika('notify', 'test')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('NIKA_NOTIFY_NONE'),
    });
    settle(webhook('lost'), '{ desktop: true }');
    const { code, stdout } = await home.start(['notify', 'test'], { PATH: '/nowhere' }).ended;
    expect([code, stdout]).toEqual([
      1,
      expect.stringMatching(
        /^✗ webhook .* HOOK_SECRET is not set in the environment; [^]*✗ desktop .*there is no notify-send/,
      ),
    ]);
    const { of } = await untilDiagnosed({ PATH: '/nowhere' });
    expect(of('notify.ways')?.status).toBe('degraded');
  });
});

it.each([
  ['503 for a while', 503],
  ['nothing', 'hang'],
] as readonly (readonly [string, Answer])[])(
  'doctor tells what waits to be sent while a server answers %s',
  async (_, answer) => {
    server.answers = [answer];
    settle(webhook('finished'));
    expect((await untilDiagnosed()).of('notify.ways')).toMatchObject({ status: 'ok' });
    await nika('run', '--', 'true');
    await untilTold(1);
    await until('it to wait', async () =>
      (await diagnose(home, env)).of('notify.spool')?.says.startsWith('1 notification waits'),
    );
  },
);
