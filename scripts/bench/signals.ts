/**
 * Request and reply between two pods, with modules, supervisors, bus and all, over a real Redis and without one; beside a
 * bare XADD and XREAD to and fro between two processes in the same run, by turns.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { TestHome } from '../../test/nika.ts';
import { RedisServer } from '../../test/servers/redis.ts';
import { fixed, machine, median, type Percentiles, percentiles, row } from './figures.ts';

const ROUNDS = 7;
const CALLS = 1_000;

const ANSWERER = `export const run = async (pod) => {
  for await (const one of pod.signals()) await one.reply(one.body);
};
`;

/** A round when its number is written into the file. */
const ASKER = `import { existsSync, renameSync, writeFileSync } from 'node:fs';
export const run = async (pod, { dir, calls }) => {
  for (let round = 0; ; ) {
    if (!existsSync(dir + '/go-' + round)) { await new Promise((wake) => setTimeout(wake, 5)); continue; }
    const samples = [];
    for (let n = 0; n < calls; n += 1) {
      const at = performance.now();
      await pod.request('JOB-answerer', 'ping', { n });
      samples.push(performance.now() - at);
    }
    writeFileSync(dir + '/new', JSON.stringify(samples));
    renameSync(dir + '/new', dir + '/done-' + round);
    round += 1;
  }
};
`;

class Pair implements AsyncDisposable {
  readonly #home = new TestHome();
  readonly #pods: readonly ChildProcess[];
  #round = 0;

  constructor(env: Readonly<Record<string, string>>) {
    const jobs = join(this.#home.dir, 'config/jobs');
    for (const [name, source] of Object.entries({ answerer: ANSWERER, asker: ASKER })) {
      writeFileSync(join(jobs, `${name}.mjs`), source);
      const inputs = name === 'asker' ? 'inputs: { dir: { required: true }, calls: { type: number } }\n' : '';
      const head = `name: ${name}\ndescription: x\ndomain: bench\nintent: measure\nmodule: ./${name}.mjs\n`;
      writeFileSync(join(jobs, `${name}.yaml`), head + inputs);
    }
    const start = (name: string, ...inputs: readonly string[]): ChildProcess =>
      this.#home.start(['pod', 'start', name, '--id', `JOB-${name}`, '-q', ...inputs], env).child;
    const inputs = ['--input', `dir=${this.#home.cwd}`, '--input', `calls=${CALLS}`];
    this.#pods = [start('answerer'), start('asker', ...inputs)];
  }

  async round(): Promise<Float64Array> {
    const done = join(this.#home.cwd, `done-${this.#round}`);
    writeFileSync(join(this.#home.cwd, `go-${this.#round}`), '');
    this.#round += 1;
    while (!existsSync(done)) await delay(20);
    return Float64Array.from(JSON.parse(readFileSync(done, 'utf8')) as number[]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const pod of this.#pods) {
      pod.kill('SIGTERM');
      await once(pod, 'close');
    }
    this.#home[Symbol.dispose]();
  }
}

class Bare implements AsyncDisposable {
  readonly #pong: ChildProcess;
  readonly #writer: Redis;
  readonly #reader: Redis;
  #last = '0-0';

  constructor(url: string) {
    const file = join(import.meta.dirname, 'programs/pong.ts');
    this.#pong = spawn(process.execPath, [file, url], { stdio: ['ignore', 'pipe', 'inherit'] });
    this.#writer = new Redis(url);
    this.#reader = new Redis(url);
  }

  async start(): Promise<this> {
    if (this.#pong.stdout !== null) await once(this.#pong.stdout, 'data');
    await delay(200); // until it reads
    return this;
  }

  async round(): Promise<Float64Array> {
    const samples = new Float64Array(CALLS);
    for (let n = 0; n < CALLS; n += 1) {
      const at = performance.now();
      await this.#writer.xadd('ping', '*', 'body', `{"n":${n}}`);
      const reply = await this.#reader.xread('BLOCK', 5000, 'STREAMS', 'pong', this.#last);
      this.#last = reply?.[0]?.[1].at(-1)?.[0] ?? this.#last;
      samples[n] = performance.now() - at;
    }
    return samples;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#writer.disconnect();
    this.#reader.disconnect();
    this.#pong.kill('SIGKILL');
    if (this.#pong.exitCode === null && this.#pong.signalCode === null) await once(this.#pong, 'close');
  }
}

const tell = (name: string, rounds: readonly Percentiles[], reference: readonly Percentiles[]): void => {
  const cells = (['p50', 'p99', 'max'] as const).map((key) => fixed(median(rounds.map((one) => one[key])), 2));
  const ratios = (['p50', 'p99'] as const).map((key) =>
    fixed(median(rounds.map((one, at) => one[key] / (reference[at]?.[key] ?? Number.NaN)))),
  );
  row(name, [...cells, ...ratios]);
};

await using server = await RedisServer.open();
await using pods = new Pair({ NIKA_REDIS_URL: server.url });
await using home = new Pair({});
await using bare = await new Bare(server.url).start();
const sides = { bare, pods, home };
const rounds: Record<keyof typeof sides, Percentiles[]> = { bare: [], pods: [], home: [] };
for (let round = -1; round < ROUNDS; round += 1)
  for (const name of ['bare', 'pods', 'home'] as const) {
    const samples = await sides[name].round();
    if (round >= 0) rounds[name].push(percentiles(samples)); // the first one warms up
  }
console.log(`${machine()}; ${ROUNDS} rounds of ${CALLS} requests, medians\n`);
row('request and reply', ['p50 ms', 'p99 ms', 'max ms', 'p50 / bare', 'p99 / bare']);
row('---', ['---', '---', '---', '---', '---']);
tell('bare XADD and XREAD, to and fro (reference)', rounds.bare, rounds.bare);
tell('two pods, by Redis', rounds.pods, rounds.bare);
tell('two pods, no Redis', rounds.home, rounds.bare);
