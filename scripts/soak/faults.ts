/** Owns the faults of the soak: one at a time, by chance, each lifted again; when they were, and when data were lost. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Fault as WireFault, Proxy } from '../../test/servers/proxy.ts';
import type { RedisServer } from '../../test/servers/redis.ts';
import type { Chance } from './random.ts';

export interface FaultWindow {
  readonly kind: string;
  readonly fromMs: number;
  readonly toMs: number;
}

type Work = () => Promise<void>;

const EMPTIED = 'killed and restarted empty';
const LOSES: readonly string[] = [EMPTIED, 'FLUSHALL'];

export class Faults {
  readonly windows: FaultWindow[] = [];
  /** Epoch: of the last time that Redis lost what it had. */
  lostAtMs = 0;
  readonly #server: RedisServer;
  readonly #proxy: Proxy;
  readonly #chance: Chance;
  readonly #kinds: Readonly<Record<string, Work>>;

  constructor(server: RedisServer, proxy: Proxy, chance: Chance) {
    this.#server = server;
    this.#proxy = proxy;
    this.#chance = chance;
    const { admin } = server;
    this.#kinds = {
      'killed and restarted': () => this.#restart(false),
      [EMPTIED]: () => this.#restart(true),
      SIGSTOP: () => this.#stopped(),
      FLUSHALL: async () => {
        await admin.flushall();
        this.lostAtMs = Date.now();
      },
      'SCRIPT FLUSH': async () => {
        await admin.script('FLUSH');
      },
      'CLIENT PAUSE': async () => {
        const ms = this.#ms();
        await admin.client('PAUSE', ms, 'WRITE');
        await delay(ms);
      },
      'out of memory': () => this.#outOfMemory(),
      silent: () => this.#wire({ kind: 'silent' }),
      'half-open': () => this.#wire({ kind: 'half-open' }),
      latency: () => this.#wire({ kind: 'latency', ms: this.#chance.between(50, 400) }),
      'reset in a reply': () => this.#wire({ kind: 'reset-after', bytes: this.#chance.between(1, 200) }),
      'silent in a reply': () => this.#wire({ kind: 'silent-after', bytes: this.#chance.between(1, 200) }),
      refusing: () => this.#wire({ kind: 'refusing' }),
    };
  }

  /** Until then, one every few seconds; none that loses data in the last fifth of the time, so that there is something to compare. */
  async run(untilMs: number): Promise<void> {
    const losesUntilMs = untilMs - (untilMs - Date.now()) / 5;
    while (Date.now() < untilMs) {
      await delay(this.#chance.between(1_000, 5_000));
      const mayLose = Date.now() < losesUntilMs;
      const kind = this.#chance.oneOf(Object.keys(this.#kinds).filter((name) => mayLose || !LOSES.includes(name)));
      const fromMs = Date.now();
      await this.#kinds[kind]?.();
      this.windows.push({ kind, fromMs, toMs: Date.now() });
    }
  }

  #ms(): number {
    return this.#chance.between(1_000, 5_000);
  }

  async #restart(isEmpty: boolean): Promise<void> {
    await this.#server.kill();
    await delay(this.#chance.between(0, 4_000));
    if (isEmpty) rmSync(join(this.#server.dir, 'appendonlydir'), { recursive: true, force: true });
    await this.#server.start();
    if (isEmpty) this.lostAtMs = Date.now();
  }

  async #stopped(): Promise<void> {
    this.#server.stop();
    await delay(this.#ms());
    this.#server.cont();
  }

  async #outOfMemory(): Promise<void> {
    await this.#server.configSet('maxmemory', '1');
    await delay(this.#ms());
    await this.#server.configSet('maxmemory', '0');
  }

  async #wire(fault: WireFault): Promise<void> {
    this.#proxy.set(fault);
    await delay(this.#ms());
    this.#proxy.set({ kind: 'none' });
  }
}
