import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { tryLock } from '../../src/bus/segments.ts';
import { Contracts } from '../../src/ipc/contracts/contracts.ts';
import { HomeContracts } from '../../src/ipc/contracts/home-contracts.ts';
import type { RedisWay } from '../../src/ipc/working-memory/working-memory.ts';
import { parseEntityId } from '../../src/model/id.ts';
import { createContractDesk } from '../../src/pod/memory/contract-desk.ts';
import { createKeys } from '../../src/redis/keys.ts';
import { type Link, openWriter } from '../../src/redis/link.ts';
import { RedisServer } from '../servers/redis.ts';
import { targetOf } from '../servers/target.ts';

const JOB = parseEntityId('JOB-20261120-k3f9xq2m');
const PIPELINE = {
  steps: [
    { name: 'scan', role: 'scanner', outputs: { type: 'array', items: { type: 'string' } } },
    { name: 'fix', role: 'fixer', needs: ['scan'], inputs: { type: 'object', required: ['file'] } },
  ],
};

/** A pod of a host, as the contract sees it. */
class Pod implements AsyncDisposable {
  readonly runDir: string;
  readonly desk: ReturnType<typeof createContractDesk>;
  readonly contracts: Contracts;
  readonly link: Link | undefined;
  isCutOff = false;

  constructor(name: string, link: Link | undefined, runDir?: string, session = `session-${name}`) {
    this.link = link;
    this.runDir = runDir ?? mkdtempSync(join(tmpdir(), 'nika-contract-'));
    this.contracts = new Contracts({
      home: new HomeContracts({ runDir: this.runDir, tryLock }),
      way: () => Promise.resolve(this.way()),
    });
    const who = { entity: `JOB-${name}`, session, job: JOB, root: JOB, note: () => undefined };
    this.desk = createContractDesk({ contracts: this.contracts, ...who });
  }

  way(): RedisWay {
    if (this.link === undefined) return { kind: 'none' };
    const isReady = this.link.status.kind === 'ready' && !this.isCutOff;
    return isReady ? { kind: 'link', link: this.link, keys: createKeys('') } : { kind: 'away', why: 'gone' };
  }

  step(step: string, action: 'start' | 'complete' | 'fail', more: object = {}) {
    return this.desk.contract_step({ step, action, ...more });
  }

  async states(): Promise<Readonly<Record<string, string>>> {
    const got = await this.desk.contract_get({});
    return got.found ? Object.fromEntries(got.steps.map(({ name, state }) => [name, state])) : {};
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.link?.close();
    rmSync(this.runDir, { recursive: true, force: true });
  }
}

let server: RedisServer;
const pods: Pod[] = [];
beforeAll(async () => {
  server = await RedisServer.open();
});
beforeEach(async () => {
  await server.admin.flushall();
});
afterEach(async () => {
  await server.mustHaveTtls(); // G5
  for (const pod of pods.splice(0)) await pod[Symbol.asyncDispose]();
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
});

const openPod = async (name: string): Promise<Pod> => {
  const link = await openWriter(targetOf(server.url));
  expect(await link.untilReady(2_000)).toBe(true);
  const pod = new Pod(name, link);
  pods.push(pod);
  return pod;
};

/** Two homes over one Redis, and two processes of one home without. */
const ways: readonly (readonly [string, () => Promise<readonly [Pod, Pod]>])[] = [
  ['in Redis', async () => [await openPod('a'), await openPod('b')]],
  [
    'in a home without Redis',
    async () => {
      const a = new Pod('a', undefined);
      pods.push(a);
      return [a, new Pod('b', undefined, a.runDir)];
    },
  ],
];

describe.each(ways)('a contract %s', (_where, open) => {
  it('goes from step to step, each after what it needs', async () => {
    const [a, b] = await open();
    await a.desk.contract_put({ contract: PIPELINE });
    expect(await b.states()).toEqual({ scan: 'pending', fix: 'pending' });
    await expect(b.step('fix', 'start')).rejects.toThrow('it needs scan, which is not completed');
    await a.step('scan', 'start');
    await a.step('scan', 'complete', { output: ['x.ts'] });
    await expect(b.step('fix', 'start', { inputs: {} })).rejects.toMatchObject({ code: 'NIKA_CONTRACT_INPUT' });
    await b.step('fix', 'start', { inputs: { file: 'x.ts' } });
    const got = await a.desk.contract_get({});
    expect(got.found && got.steps[0]).toMatchObject({ state: 'completed', output: ['x.ts'], entity: 'JOB-a' });
    expect(got.found && got.steps[1]).toMatchObject({
      state: 'running',
      given: { file: 'x.ts' },
      session: 'session-b',
    });
  });

  it('lets one of two pods have a step, and one complete it: the first stands', async () => {
    const [a, b] = await open();
    await a.desk.contract_put({ contract: PIPELINE });
    const started = await Promise.allSettled([a.step('scan', 'start'), b.step('scan', 'start')]);
    expect(started.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected']);
    const [holder, other] = started[0]?.status === 'fulfilled' ? [a, b] : [b, a];
    await expect(other.step('scan', 'complete', { output: [] })).rejects.toThrow(/it is run by JOB-. \(session/);
    await holder.step('scan', 'complete', { output: ['first'] });
    await expect(other.step('scan', 'complete', { output: ['second'] })).rejects.toThrow('it is completed already');
    await expect(holder.step('scan', 'start')).rejects.toThrow('it is completed already');
    const [c, d] = [holder, other];
    await c.step('fix', 'fail', { reason: 'no' });
    const both = await Promise.allSettled([c.step('fix', 'start', { takeover: true }), d.step('fix', 'start')]);
    expect(both.some(({ status }) => status === 'fulfilled')).toBe(true);
  });

  it('lets one of two programs of the same session have a step', async () => {
    const [a] = await open();
    await a.desk.contract_put({ contract: PIPELINE });
    const started = await Promise.allSettled([a.step('scan', 'start'), a.step('scan', 'start')]);
    expect(started.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected']);
    await a.step('scan', 'start', { takeover: true });
    await a.step('scan', 'complete', { output: [] });
  });

  it('lets the next attempt of a job go on with what the one before has begun', async () => {
    const [a] = await open();
    const next = new Pod('a', a.link, a.runDir, 'session-2');
    await a.desk.contract_put({ contract: PIPELINE });
    await a.step('scan', 'start');
    await expect(next.step('scan', 'complete', { output: [] })).rejects.toThrow(
      'it is run by JOB-a (session session-a)',
    );
    await next.step('scan', 'start');
    await next.step('scan', 'complete', { output: [] });
    expect(await a.states()).toEqual({ scan: 'completed', fix: 'pending' });
  });

  it('fails a step whose output breaks its schema, with the reason; it may be started again', async () => {
    const [a] = await open();
    await a.desk.contract_put({ contract: PIPELINE });
    await a.step('scan', 'start');
    await expect(a.step('scan', 'complete', { output: [1] })).rejects.toThrow('output/0 must be string');
    const got = await a.desk.contract_get({});
    expect(got.found && got.steps[0]).toMatchObject({ state: 'failed', reason: 'bad output: output/0 must be string' });
    await expect(a.step('scan', 'complete', { output: [] })).rejects.toThrow('it is failed already');
    await a.step('scan', 'start');
    await a.step('scan', 'complete', { output: [] });
    expect(await a.states()).toEqual({ scan: 'completed', fix: 'pending' });
  });

  it('fails a step whose output cannot be checked in time, and holds up nobody meanwhile (G1)', async () => {
    const [a] = await open();
    const outputs = { type: 'string', pattern: '^(a+)+$' };
    await a.desk.contract_put({ contract: { steps: [{ name: 's', role: 'r', outputs }] } });
    const startedAtMs = performance.now();
    const output = `${'a'.repeat(40)}!`; // years, without a limit
    await expect(a.step('s', 'complete', { output })).rejects.toThrow('cannot be checked within 500 ms');
    expect(performance.now() - startedAtMs).toBeLessThan(2_500);
    expect(await a.states()).toEqual({ s: 'failed' });
  });

  it('is replaced while no step has begun, and not after', async () => {
    const [a, b] = await open();
    await a.desk.contract_put({ contract: PIPELINE });
    const other = { steps: [{ name: 'only', role: 'x' }] };
    await b.desk.contract_put({ contract: other });
    expect(await a.states()).toEqual({ only: 'pending' });
    await a.step('only', 'start');
    await b.desk.contract_put({ contract: other }); // the same one
    await expect(b.desk.contract_put({ contract: PIPELINE })).rejects.toMatchObject({ code: 'NIKA_CONTRACT_TAKEN' });
    expect(await b.states()).toEqual({ only: 'running' });
  });
});

describe('a contract while Redis comes and goes', () => {
  it('goes on in the home while Redis hangs, and is brought to it afterwards (G1, G4)', async () => {
    const [a, b] = [await openPod('a'), await openPod('b')];
    await a.desk.contract_put({ contract: PIPELINE });
    await a.step('scan', 'start');
    server.stop();
    try {
      const startedAtMs = performance.now();
      expect(await a.step('scan', 'complete', { output: ['x'] })).toMatchObject({ where: 'home' });
      expect(performance.now() - startedAtMs).toBeLessThan(1_800); // Redis is waited for once, a second
      expect(await a.states()).toEqual({ scan: 'completed', fix: 'pending' });
    } finally {
      server.cont();
    }
    for (const { link } of [a, b]) expect(await link?.untilReady(5_000)).toBe(true);
    expect(await a.contracts.bring(JOB)).toBe(true);
    expect(await b.states()).toEqual({ scan: 'completed', fix: 'pending' });
    await b.step('fix', 'start');
  });

  it('is whole again after FLUSHALL, from what each home knows of it (G4)', async () => {
    const [a, b] = [await openPod('a'), await openPod('b')];
    await a.desk.contract_put({ contract: PIPELINE });
    await a.step('scan', 'complete', { output: ['x'] });
    await b.step('fix', 'start');
    await server.admin.flushall();
    await Promise.all([a.contracts.bring(JOB), b.contracts.bring(JOB)]);
    const c = await openPod('c');
    expect(await c.states()).toEqual({ scan: 'completed', fix: 'running' });
    expect(await server.admin.ttl(`nika:contract:${JOB}`)).toBe(7200);
  });
});

describe('a contract of two homes', () => {
  const whileCutOff = async (pods: readonly Pod[], work: () => Promise<void>): Promise<void> => {
    for (const pod of pods) pod.isCutOff = true;
    await work();
    for (const pod of pods) pod.isCutOff = false;
  };
  const outputOf = async (pod: Pod): Promise<unknown> => {
    const got = await pod.desk.contract_get({});
    return got.found ? got.steps[0]?.output : undefined;
  };

  it('has one output of a step that both completed while Redis was away: the first that is brought (C1)', async () => {
    const [a, b] = [await openPod('a'), await openPod('b')];
    await a.desk.contract_put({ contract: PIPELINE });
    await b.step('scan', 'start');
    await whileCutOff([a, b], async () => {
      await a.step('scan', 'start', { takeover: true });
      await a.step('scan', 'complete', { output: ['of a'] });
      await b.step('scan', 'complete', { output: ['of b'] });
    });
    await b.contracts.bring(JOB);
    expect([await outputOf(a), await outputOf(b)]).toEqual([['of b'], ['of b']]);
    await a.contracts.bring(JOB);
    await server.admin.flushall();
    await a.contracts.bring(JOB);
    expect([await outputOf(a), await outputOf(b)]).toEqual([['of b'], ['of b']]);
  });

  it('is not lost for an older one of which the other home has a copy, where Redis is emptied (C2, G4)', async () => {
    const [a, b] = [await openPod('a'), await openPod('b')];
    await a.desk.contract_put({ contract: PIPELINE });
    const steps = [
      { name: 'scan', role: 'x' },
      { name: 'sum', role: 'x' },
    ];
    await b.desk.contract_put({ contract: { steps } });
    await b.step('sum', 'complete', { output: 1 });
    await a.contracts.bring(JOB); // as a living pod does each 10 s
    await server.admin.flushall();
    await a.step('scan', 'start');
    await b.contracts.bring(JOB);
    for (const pod of [a, b]) expect(await pod.states()).toEqual({ scan: 'running', sum: 'completed' });
  });

  it('knows while Redis is away what others had completed, as far as it was seen', async () => {
    const [a, b] = [await openPod('a'), await openPod('b')];
    await a.desk.contract_put({ contract: PIPELINE });
    await b.step('scan', 'complete', { output: [] });
    await a.contracts.bring(JOB);
    await whileCutOff([a, b], async () => {
      await expect(a.step('scan', 'start')).rejects.toThrow('it is completed already');
      expect(await a.step('fix', 'start')).toMatchObject({ where: 'home' });
    });
  });
});

describe('a contract that is wrong', () => {
  const step = { name: 'a', role: 'x' };
  it.each([
    ['has no steps', { steps: [] }, 'steps'],
    ['is none', 'text', 'its root'],
    ['has a step twice', { steps: [step, step] }, 'a stands there twice'],
    ['needs what is not there', { steps: [{ ...step, needs: ['b'] }] }, 'there is no such step'],
    [
      'goes round',
      {
        steps: [
          { ...step, needs: ['b'] },
          { ...step, name: 'b', needs: ['a'] },
        ],
      },
      'can never begin',
    ],
    ['has a word too many', { steps: [{ ...step, output: {} }] }, 'output'],
    ['has a schema that is none', { steps: [{ ...step, outputs: { type: 'strin' } }] }, 'outputs of the step a'],
    [
      'has a schema whose answer comes later',
      { steps: [{ ...step, outputs: { $async: true } }] },
      '"$async" is no word',
    ],
    ['is too long', { steps: [{ ...step, outputs: { const: 'x'.repeat(70_000) } }] }, '65536 are allowed'],
  ])('is refused where it %s', async (_what, contract, why) => {
    const pod = new Pod('a', undefined);
    pods.push(pod);
    await expect(pod.desk.contract_put({ contract })).rejects.toThrow(why);
    await expect(pod.desk.contract_put({ contract })).rejects.toMatchObject({ code: 'NIKA_CONTRACT_INVALID' });
  });
});
