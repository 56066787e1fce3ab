/** Owns real groups of redis-servers for tests: a Cluster of three, and one with a replica under three Sentinels. */
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { freePort, RedisServer, spawnServer } from './redis.ts';

const SLOT_COUNT = 16_384;
const WITHIN_MS = 15_000;

const until = async (what: string, isSo: () => Promise<boolean>): Promise<void> => {
  const end = performance.now() + WITHIN_MS;
  while (!(await isSo())) {
    if (performance.now() > end) throw new Error(`not within ${WITHIN_MS} ms: ${what}`);
    await delay(20);
  }
};

export class RedisCluster implements AsyncDisposable {
  readonly nodes: readonly RedisServer[];

  private constructor(nodes: readonly RedisServer[]) {
    this.nodes = nodes;
  }

  static async open(): Promise<RedisCluster> {
    const nodes: RedisServer[] = [];
    for (let nth = 0; nth < 3; nth += 1) {
      const config = [
        'cluster-enabled yes',
        `cluster-port ${await freePort()}`,
        'cluster-node-timeout 1000',
        'cluster-require-full-coverage no', // else one node's end is everybody's
      ];
      nodes.push(await RedisServer.open({ config, isPersistent: true }));
    }
    const [first] = nodes;
    const share = Math.ceil(SLOT_COUNT / nodes.length);
    for (const [nth, node] of nodes.entries()) {
      const last = Math.min(SLOT_COUNT, (nth + 1) * share) - 1;
      await node.admin.call('CLUSTER', 'ADDSLOTSRANGE', nth * share, last);
      await node.admin.call('CLUSTER', 'SET-CONFIG-EPOCH', nth + 1);
    }
    for (const node of nodes.slice(1)) {
      const [, busPort = ''] = /@(\d+)/.exec(String(await node.admin.call('CLUSTER', 'NODES'))) ?? [];
      await first?.admin.call('CLUSTER', 'MEET', '127.0.0.1', node.port, busPort);
    }
    const isWhole = async (node: RedisServer): Promise<boolean> => {
      const info = String(await node.admin.call('CLUSTER', 'INFO'));
      return info.includes('cluster_state:ok') && info.includes(`cluster_slots_ok:${SLOT_COUNT}`);
    };
    for (const node of nodes) await until('the Cluster is whole', async () => isWhole(node));
    return new RedisCluster(nodes);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const node of this.nodes) await node[Symbol.asyncDispose]();
  }
}

/** What the Sentinels call the group. */
export const GROUP = 'mymaster';

export class SentinelGroup implements AsyncDisposable {
  readonly master: RedisServer;
  readonly replica: RedisServer;
  readonly sentinelPorts: readonly number[];
  readonly #dir: string;
  readonly #sentinels: readonly ChildProcess[];

  private constructor(servers: readonly [RedisServer, RedisServer], ports: readonly number[], dir: string) {
    [this.master, this.replica] = servers;
    this.sentinelPorts = ports;
    this.#dir = dir;
    this.#sentinels = ports.map((port) => {
      const file = join(dir, `sentinel-${port}.conf`);
      const lines = [
        `port ${port}`,
        'bind 127.0.0.1',
        'protected-mode no',
        `dir ${dir}`,
        `sentinel monitor ${GROUP} 127.0.0.1 ${this.master.port} 2`,
        `sentinel down-after-milliseconds ${GROUP} 500`,
        `sentinel failover-timeout ${GROUP} 3000`,
      ];
      writeFileSync(file, `${lines.join('\n')}\n`);
      return spawnServer('redis-server', file, '--sentinel');
    });
  }

  static async open(): Promise<SentinelGroup> {
    const master = await RedisServer.open();
    const replica = await RedisServer.open({ config: [`replicaof 127.0.0.1 ${master.port}`] });
    await until('the replica follows', async () =>
      (await replica.admin.info('replication')).includes('master_link_status:up'),
    );
    const ports = [await freePort(), await freePort(), await freePort()];
    const group = new SentinelGroup([master, replica], ports, mkdtempSync(join(tmpdir(), 'nika-sentinel-')));
    for (const port of ports) {
      const sentinel = await RedisServer.clientOf(port);
      try {
        await until('the Sentinels know each other', async () => {
          const [state] = (await sentinel.call('SENTINEL', 'masters')) as string[][];
          const valueOf = (name: string) => state?.[state.indexOf(name) + 1];
          return valueOf('num-other-sentinels') === '2' && valueOf('num-slaves') === '1';
        });
      } finally {
        sentinel.disconnect();
      }
    }
    return group;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const child of this.#sentinels) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      const gone = once(child, 'exit');
      child.kill('SIGKILL');
      await gone;
    }
    await this.replica[Symbol.asyncDispose]();
    await this.master[Symbol.asyncDispose]();
    rmSync(this.#dir, { recursive: true, force: true });
  }
}
