/**
 * Owns a bus of a given number of remembered lines for benchmarks: the alpha bus of a year of jobs that overlap, as pods
 * write it, with correct chains, in segments of which every other one is compressed. The same of the same seed, but for ids.
 *
 * G1. The order of writing is that of time, but for a history that was imported last: 2 % of the jobs, of the whole year.
 * G2. A text is cut out of a long tape of words drawn by Zipf's law, so that words are as rare and as frequent as in real ones.
 */
import { closeSync, mkdirSync, openSync, renameSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { createChain } from '../../src/bus/chain.ts';
import { ALPHA, DIR_MODE, FILE_MODE, segmentFile } from '../../src/bus/layout.ts';
import { lineBody, sealedLine } from '../../src/bus/line.ts';
import { packFile } from '../../src/bus/pack-file.ts';
import { createEventId } from '../../src/model/event-id.ts';
import { type EntityId, parseEntityId } from '../../src/model/id.ts';
import { createRandom } from '../../test/fixtures/remembered-bus.ts';
import { createTape, type Tape } from './word-tape.ts';

export const FIRST_DAY = '2025-12-01T00:00:00.000Z';
const YEAR_MS = 365 * 86_400_000;
const AT_ONCE = 24;
const IMPORTED_SHARE = 0.02;
/** The default of `bus.segmentBytes`, for a bus of a million; a smaller one has as many segments. */
const SEGMENT_BYTES_PER_POINT = (64 * 1024 * 1024) / 1_000_000;
const STEP_BYTES = 4 * 1024 * 1024;
const BASE32 = 'abcdefghijklmnopqrstuvwxyz234567';

export const DOMAINS = 'hooks redis docs cli bus memory web infra billing search mobile data'.split(' ');
export const INTENTS = 'fix refactor audit test feature upgrade review migrate'.split(' ');
export const STATUSES = ['completed', 'failed', 'cancelled'] as const;
const AGENTS = ['claude-code', 'codex', 'gemini', 'opencode'];
const MODELS = ['opus-4', 'sonnet-4', 'gpt-5', 'gemini-3'];
const TOOLS = 'Bash Read Edit Grep Glob Write WebFetch Task TodoWrite NotebookEdit'.split(' ');
const HOSTS = ['ada', 'grace', 'linus', 'barbara', 'ken'];

/** What one writes of which entity; its lines follow each other. */
interface Step {
  readonly type: string;
  readonly entity: EntityId;
  readonly meta: string;
  readonly data: () => object;
  readonly isRemembered: boolean;
}

const stepsOf =
  (entity: EntityId, meta: string) =>
  (type: string, data: () => object, isRemembered: boolean): Step => ({ type, entity, meta, data, isRemembered });

interface Work {
  readonly calls: number;
  readonly tools: readonly string[];
  readonly models: readonly string[];
}

class Jobs {
  readonly #random: () => number;
  readonly #tape: Tape;
  #dispatched = 0;

  constructor(seed: number) {
    this.#random = createRandom(seed);
    this.#tape = createTape(this.#random);
  }

  next(): readonly Step[] {
    const root = this.#id('JOB');
    const parent = this.#chance(0.12) ? this.#id('PROJ') : undefined;
    const [domain, intent] = [this.#often(DOMAINS), this.#often(INTENTS)];
    const session = crypto.randomUUID();
    const meta = this.#meta(root, session, { domain, intent, root: parent ?? root, ...(parent && { parent }) });
    const step = stepsOf(root, meta);
    const begun = [
      step('session_start', () => this.#start(), false),
      step('entity_created', () => this.#created(), parent === undefined),
      step('entity_started', () => ({ from: 'created', to: 'in_progress', rev: 2 }), false),
    ];
    if (this.#chance(0.06)) return begun; // it is open for ever
    const tasks = this.#chance(0.25) ? this.#task(root, session, { domain, intent }) : [];
    const to = this.#chance(0.8) ? 'completed' : this.#chance(0.75) ? 'failed' : 'cancelled';
    const work = this.#work();
    return [
      ...begun,
      ...tasks,
      step(`job_${to}`, () => this.#end(to, work), true),
      step('session_end_summary', () => this.#sessionEnd(to, work), true),
    ];
  }

  #task(job: EntityId, session: string, of: { readonly domain: string; readonly intent: string }): readonly Step[] {
    const entity = this.#id('TASK');
    const meta = this.#meta(entity, session, { ...of, root: job, parent: job });
    const step = stepsOf(entity, meta);
    return [
      step('entity_created', () => this.#created(), false),
      step('entity_started', () => ({ from: 'created', to: 'in_progress', rev: 2 }), false),
      step('job_completed', () => this.#end('completed', this.#work()), true),
    ];
  }

  #meta(entity: EntityId, session: string, of: Readonly<Record<string, string>>): string {
    const { domain, intent, root, parent } = of;
    this.#dispatched += 1;
    return JSON.stringify({
      v: 1,
      session_id: session,
      entity_id: entity,
      entity_type: entity.slice(0, entity.indexOf('-')),
      ...(parent === undefined ? {} : { parent_id: parent }),
      root_id: root,
      attempt: 1,
      job: `${intent}-${domain}`,
      domain,
      intent,
      agent: this.#often(AGENTS),
      host: this.#often(HOSTS),
      pid: 1000 + (this.#dispatched % 30_000),
      trace_id: crypto.randomUUID().replaceAll('-', ''),
      span_id: crypto.randomUUID().slice(19).replaceAll('-', '').padEnd(16, '0'),
    });
  }

  #start(): object {
    const command = ['claude', '-p', this.#tape.text(12)];
    return { pod: 'agent', cwd: `/home/${this.#often(HOSTS)}/shop`, command, version: '0.1.0', alpha_head: null };
  }

  #created(): object {
    const [name, description] = [this.#tape.text(4), this.#tape.text(this.#length(20))];
    return { from: null, to: 'created', rev: 1, name, description };
  }

  #work(): Work {
    const calls = this.#length(40);
    const tools = TOOLS.filter((_, nth) => this.#chance(1 / (nth + 1)));
    return { calls, tools, models: [this.#often(MODELS)] };
  }

  #end(to: string, { calls, tools, models }: Work): object {
    const says = to === 'completed' ? { result: this.#tape.text(this.#length(40)) } : { error: this.#tape.text(12) };
    const tokens = calls * 900;
    const work = { calls, errors: calls >> 4, tools, models, tokens, cost_usd: tokens / 100_000 };
    return { from: 'in_progress', to, rev: 3, duration_ms: calls * 4_000, work, ...says };
  }

  #sessionEnd(outcome: string, { calls, tools, models }: Work): object {
    const times = (most: number): readonly undefined[] => Array.from({ length: Math.floor(this.#random() * most) });
    const digest = {
      asked: this.#tape.text(this.#length(45)),
      said: this.#tape.text(this.#length(60)),
      files: times(14).map(() => this.#tape.path()),
      commands: times(6).map(() => `npx vitest run ${this.#tape.path()}`),
      errors: times(3).map(() => this.#tape.text(12)),
      turns: calls >> 1,
    };
    const [model = ''] = models;
    return {
      outcome,
      exit_code: outcome === 'completed' ? 0 : 1,
      duration_ms: calls * 4_000,
      calls,
      errors: calls >> 4,
      calls_by_tool: Object.fromEntries(tools.map((tool, nth) => [tool, 1 + Math.floor(calls / (nth + 2))])),
      dropped: {},
      digest,
      usage: [{ model, input_tokens: calls * 100, cache_read_tokens: calls * 700, output_tokens: calls * 100 }],
      alpha_head: null,
      heads: [],
    };
  }

  #id(type: string): EntityId {
    const digits = Array.from({ length: 8 }, () => BASE32[Math.floor(this.#random() * 32)]).join('');
    return parseEntityId(`${type}-20260101-${digits}`);
  }

  readonly #chance = (probability: number): boolean => this.#random() < probability;

  /** The first ones more often. */
  #often(of: readonly string[]): string {
    return of[Math.floor(this.#random() * this.#random() * of.length)] ?? '';
  }

  /** Half of them below the median, and a few many times longer. */
  #length(medianCount: number): number {
    const normal = this.#random() + this.#random() + this.#random() - 1.5;
    return 1 + Math.floor(medianCount * Math.exp(normal * 1.6));
  }
}

class Segments {
  readonly #busDir: string;
  readonly #path: string;
  readonly #segmentBytes: number;
  readonly #chain = createChain();
  readonly #writer = crypto.randomUUID();
  readonly #buffer = Buffer.allocUnsafeSlow(STEP_BYTES);
  #fd: number;
  #head: string;
  #filled = 0;
  #bytes = 0;
  #seq = 0;
  #full = 0;
  #packing: Promise<unknown> = Promise.resolve();

  constructor(home: string, segmentBytes: number) {
    this.#segmentBytes = segmentBytes;
    this.#busDir = join(home, '_bus');
    mkdirSync(this.#busDir, { recursive: true, mode: DIR_MODE });
    this.#path = join(this.#busDir, ALPHA);
    this.#fd = openSync(this.#path, 'wx', FILE_MODE);
    this.#head = this.#chain.genesis(ALPHA, this.#writer);
  }

  write({ type, entity, meta, data }: Step, atMs: number): void {
    this.#seq += 1;
    const record = {
      ts: new Date(atMs).toISOString(),
      type,
      entity,
      id: createEventId(Date.now()),
      metaJson: meta,
      dataJson: JSON.stringify(data()),
    };
    const { bytes, h } = sealedLine(this.#chain, this.#head, lineBody(record, this.#writer, this.#seq));
    this.#head = h;
    if (this.#filled + bytes.byteLength > STEP_BYTES) this.#flush();
    this.#buffer.set(bytes, this.#filled);
    this.#filled += bytes.byteLength;
  }

  /** Between two lines, now and then: a full segment is left, and every other one compressed beside. */
  async roll(): Promise<void> {
    if (this.#bytes + this.#filled < this.#segmentBytes) return;
    this.#flush();
    closeSync(this.#fd);
    this.#full += 1;
    const path = join(this.#busDir, segmentFile(this.#full));
    renameSync(this.#path, path);
    this.#fd = openSync(this.#path, 'wx', FILE_MODE);
    this.#bytes = 0;
    if (this.#full % 2 === 1) return;
    await this.#packing;
    this.#packing = packFile(path, new AbortController().signal);
  }

  async end(): Promise<void> {
    this.#flush();
    closeSync(this.#fd);
    await this.#packing;
  }

  #flush(): void {
    writeSync(this.#fd, this.#buffer, 0, this.#filled);
    this.#bytes += this.#filled;
    this.#filled = 0;
  }
}

export interface RememberedBusSize {
  readonly points: number;
  readonly lines: number;
}

/** Jobs as they overlap: each line is of one of those that run. */
export const generateRememberedBus = async (home: string, points: number, seed = 1): Promise<RememberedBusSize> => {
  const random = createRandom(seed + 1);
  const jobs = new Jobs(seed);
  const segments = new Segments(home, points * SEGMENT_BYTES_PER_POINT);
  const size = { points: 0, lines: 0 };
  const write = (step: Step, atMs: number): void => {
    segments.write(step, atMs);
    size.lines += 1;
    if (step.isRemembered) size.points += 1;
  };
  const firstMs = Date.parse(FIRST_DAY);
  const live = Math.floor(points * (1 - IMPORTED_SHARE));
  const running: Step[][] = Array.from({ length: AT_ONCE }, () => []);
  while (size.points < live) {
    const at = Math.floor(random() * AT_ONCE);
    const steps = running[at] ?? [];
    if (steps.length === 0) steps.push(...jobs.next());
    const step = steps.shift();
    if (step !== undefined) write(step, firstMs + Math.floor((size.points / live) * YEAR_MS) + (size.lines % 1000));
    if (size.lines % 256 === 0) await segments.roll();
  }
  while (size.points < points) {
    const atMs = firstMs + Math.floor(random() * YEAR_MS);
    for (const [nth, step] of jobs.next().entries()) if (size.points < points) write(step, atMs + nth * 60_000); // G1
    if (size.lines % 64 === 0) await segments.roll();
  }
  await segments.end();
  return size;
};
