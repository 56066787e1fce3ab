/** Owns the faults that every agent is tested with as a pod: what ends, hangs or is killed around it. */
import { describe, expect, it } from 'vitest';
import type { AgentKind } from '../../src/model/agent.ts';
import { running, until } from '../pods.ts';
import { RedisServer } from '../servers/redis.ts';
import { AgentHome, JOB } from './agent-home.ts';
import {
  type AgentTruth,
  expectCalls,
  expectNothingLeft,
  gateIn,
  openGate,
  stepOf,
  untilAtGate,
} from './agent-truth.ts';
import { AGENT_CLIS } from './cli/cli-cache.ts';

/** Between two calls of an agent, on a machine that has much else to do. Who waited for Redis would wait for longer. */
const SLOW_MS = 2_000;

/** What no other process sleeps. */
const sleepFor = (): string => `300.${String(Math.random()).slice(2, 12)}`;

export const describeFaults = (kind: AgentKind, truth: AgentTruth): void => {
  const { words } = AGENT_CLIS[kind];

  /** A pod in the background whose agent runs a command that does not end: how long that sleeps, nobody else does. */
  const openHanging = (time: string): Promise<AgentHome> =>
    AgentHome.open(kind, { main: [stepOf(words.shell('echo before')), stepOf(words.shell(`sleep ${time}`))] });
  const startHanging = async (home: AgentHome, time: string): Promise<void> => {
    home.agentJob();
    await home.startPod();
    await until('the command to run', () => running(`sleep\0${time}`).length > 0);
  };

  describe(`${kind} as a pod, when something goes wrong`, () => {
    it('is stopped in the middle of a call that does not end: the call is interrupted, nothing is left', async () => {
      const time = sleepFor();
      await using home = await openHanging(time);
      await startHanging(home, time);
      expect((await home.nika('pod', 'stop', JOB, '--grace', '2s')).code).toBe(0);
      expect(await home.untilEnded()).toMatchObject({ status: 'cancelled', exit_code: 143 });
      expectCalls(home, truth, [truth.exits(0), truth.interrupted]);
      expect(running(`sleep\0${time}`)).toEqual([]);
      await expectNothingLeft(home);
    });

    it('is killed with its supervisor: the next command of nika ends what is left, and says lost', async () => {
      const time = sleepFor();
      await using home = await openHanging(time);
      await startHanging(home, time);
      process.kill(home.record.process.pid, 'SIGKILL');
      await until('the supervisor to be gone', () => !home.processes.includes(home.record.process.pid));
      const { stdout } = await home.nika('pod', 'ls', '--all', '--json');
      expect(JSON.parse(stdout)).toMatchObject([{ id: JOB, status: 'lost' }]);
      expect(running(`sleep\0${time}`)).toEqual([]);
      expectCalls(home, truth, [truth.exits(0), 'untold']);
      await expectNothingLeft(home);
    });

    it('fails when the agent is killed: its call is interrupted, and what it ran is ended', async () => {
      const time = sleepFor();
      await using home = await openHanging(time);
      await startHanging(home, time);
      expect(home.agentProcesses).not.toEqual([]);
      for (const pid of home.agentProcesses) process.kill(pid, 'SIGKILL');
      expect(await home.untilEnded()).toMatchObject({ status: 'failed', exit_code: 137 });
      expectCalls(home, truth, [truth.exits(0), truth.interrupted]);
      expect(running(`sleep\0${time}`)).toEqual([]);
      await expectNothingLeft(home);
    });

    it('G1: does not wait for a Redis that stops to answer in the middle, and has every call', async () => {
      await using redis = await RedisServer.open();
      const after = Array.from({ length: 8 }, (_, at) => stepOf(words.shell(`echo after-${at}`)));
      await using home = await AgentHome.open(kind, (workspace) => ({
        main: [stepOf(words.shell('echo before')), stepOf(words.shell(gateIn(workspace))), ...after],
      }));
      home.agentJob();
      await home.startPod({ NIKA_REDIS_URL: redis.url });
      await untilAtGate(home);
      await until('Redis to have the first call', async () => {
        const [stream] = await redis.admin.keys('agent:events:*');
        return stream !== undefined && (await redis.admin.xlen(stream)) > 0;
      });
      redis.stop();
      openGate(home);
      expect(await home.untilEnded()).toMatchObject({ status: 'completed', exit_code: 0 });
      expectCalls(
        home,
        truth,
        home.model.calls.map(() => truth.exits(0)),
      );
      const times = home.channel.filter(({ type }) => type === 'tool_call').map(({ ts }) => Date.parse(ts));
      const gapsMs = times.slice(2).map((time, at) => time - (times[at + 1] ?? time));
      expect(Math.max(...gapsMs)).toBeLessThan(SLOW_MS);
    });
  });
};
