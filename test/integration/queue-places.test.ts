import { describe, expect, it } from 'vitest';
import { resolveHome } from '../../src/config/home.ts';
import type { RedisTarget } from '../../src/config/redis/redis-settings.ts';
import { openWorkQueue } from '../../src/swarm/queue/open-work-queue.ts';
import { queuedJob, statesOf, taken } from '../fixtures/queued-job.ts';
import { TestHome } from '../nika.ts';
import { RedisServer } from '../servers/redis.ts';
import { RedisCluster } from '../servers/redis-groups.ts';
import { targetOf } from '../servers/target.ts';

/** All that a job goes through. */
const goThrough = async (redis: RedisTarget): Promise<void> => {
  using home = new TestHome();
  const at = resolveHome({ flag: home.dir, env: {}, cwd: home.dir });
  await using queue = await openWorkQueue({ home: at, settings: { redis } });
  await queue.untilKnown(10_000);
  expect(await queue.add(queuedJob('a', { capability: 'gpu' }))).toEqual({ kind: 'queued' });
  expect(await queue.add(queuedJob('b'))).toEqual({ kind: 'queued' });
  const both = ['default', 'gpu'];
  const claims = [await taken(queue, both), await taken(queue, both)];
  const waiting = taken(queue, both);
  await claims[0]?.putBack(300, 'later');
  expect((await waiting).job.entity).toBe(claims[0]?.job.entity);
  expect(await claims[1]?.done('fine')).toBe('ok');
  expect((await statesOf(queue)).toSorted()).toEqual(
    [`${claims[0]?.job.entity} active`, `${claims[1]?.job.entity} completed`].toSorted(),
  );
};

describe.concurrent('the queue', () => {
  it('works over a Unix socket, behind a prefix, in a database of its own', async () => {
    await using server = await RedisServer.open();
    await goThrough({ ...targetOf(`unix://${server.socket}`), db: 3, prefix: 'team-a:' });
    const names = await server.admin.keys('*');
    expect(names).toEqual([]); // not in database 0
    await server.admin.select(3);
    expect((await server.admin.keys('*')).every((name) => name.startsWith('team-a:nika:queue:'))).toBe(true);
  });

  it('works in a Cluster, all its queues on one node', async () => {
    await using cluster = await RedisCluster.open();
    const [first] = cluster.nodes;
    const more = { cluster: true, nodes: cluster.nodes.map(({ port }) => `127.0.0.1:${port}`) };
    await goThrough(targetOf(first?.url ?? '', more));
    const names = await Promise.all(cluster.nodes.map(({ admin }) => admin.keys('nika:{queue}:*')));
    expect(names.filter((list) => list.length > 0)).toHaveLength(1);
  });
});
