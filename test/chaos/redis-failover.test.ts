import { beforeAll, describe, expect, it } from 'vitest';
import {
  CALLS,
  expectUnharmed,
  type Reference,
  referenceRun,
  runThrough,
  unlike,
  untilDelivered,
} from '../fixtures/redis-fault.ts';
import { ToldPod } from '../fixtures/told-pod.ts';
import { until } from '../pods.ts';
import { GROUP, RedisCluster, SentinelGroup } from '../servers/redis-groups.ts';

let reference: Reference;
beforeAll(async () => {
  reference = await referenceRun();
});

const addressesOf = (ports: readonly number[]): string => ports.map((port) => `127.0.0.1:${port}`).join();

describe.concurrent('G1, G4: a pod', () => {
  it('goes through a Sentinel failover to a replica that lacks the last writes, and brings them again', async () => {
    await using group = await SentinelGroup.open();
    const { master, replica } = group;
    const env = { NIKA_REDIS_SENTINELS: addressesOf(group.sentinelPorts), NIKA_REDIS_NAME: GROUP };
    await using pod = await ToldPod.start({ url: 'redis://by-sentinels:1', env });
    const cutOff = async (): Promise<void> => {
      await replica.configSet('masterauth', 'refused-by-the-master');
      await master.admin.call('CLIENT', 'KILL', 'TYPE', 'replica');
      await until('the replica to be cut off', async () =>
        (await replica.admin.info('replication')).includes('master_link_status:down'),
      );
    };
    const failOver = async (): Promise<void> => {
      await untilDelivered(master, 2 * CALLS);
      expect(await replica.admin.xlen((await replica.admin.keys('agent:events:*'))[0] ?? '')).toBe(CALLS);
      await master.kill();
      await pod.untilTold('degraded');
    };
    const begin = async (): Promise<void> => {
      await untilDelivered(replica, CALLS);
      await cutOff();
    };
    const run = await runThrough(pod, { of: master, begin, within: failOver, end: () => undefined });
    await expectUnharmed(run, reference);
    expect(run.end.dropped).toEqual({});
    expect(pod.outages).toHaveLength(1);
    expect(await unlike(reference, replica)).toEqual([]);
  });

  it('goes through the loss of a node of a Cluster of three, and has everything once when it is back', async () => {
    await using cluster = await RedisCluster.open();
    const [first, ...others] = cluster.nodes;
    const env = { NIKA_REDIS_CLUSTER: 'true', NIKA_REDIS_NODES: addressesOf(others.map(({ port }) => port)) };
    await using pod = await ToldPod.start({ url: first?.url ?? '', env });
    const holdsFeed = async (): Promise<(typeof cluster.nodes)[number] | undefined> => {
      for (const node of cluster.nodes) if ((await node.admin.keys('nika:feed:entities')).length > 0) return node;
      return undefined;
    };
    const node = await until('the feed to be there', holdsFeed);
    const run = await runThrough(pod, {
      begin: async () => node.kill(),
      within: async () => pod.untilTold('degraded'),
      end: async () => node.start(),
    });
    await expectUnharmed(run, reference);
    expect(run.end.dropped).toEqual({});
    expect(await unlike(reference, ...cluster.nodes)).toEqual([]);
  });
});
