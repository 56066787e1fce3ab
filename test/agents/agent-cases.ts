/**
 * Owns what every agent is tested with as a pod: one table of cases, in the words of each. Each case compares the exact list of
 * calls on the bus with what the model played.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { AgentKind } from '../../src/model/agent.ts';
import type { Step } from '../servers/model/script.ts';
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
import type { CallEnd } from './bus-calls.ts';
import { AGENT_CLIS } from './cli/cli-cache.ts';

const RESULT = 'All done.';

export const describeAgent = (kind: AgentKind, truth: AgentTruth): void => {
  const { words } = AGENT_CLIS[kind];

  describe(`${kind} as a pod`, () => {
    it('has each call on the bus once, with what it came to, and its last message as the result', async () => {
      await using home = await AgentHome.open(kind, (workspace) => ({
        main: [
          { text: 'I look first.', calls: [words.shell('expr 20 + 1')] },
          stepOf(words.shell('echo bad >&2; exit 3')),
          stepOf(words.write(join(workspace, 'note.txt'), 'one\ntwo\n')),
          stepOf(words.edit(join(workspace, 'note.txt'), 'two', 'three')),
          stepOf(words.miss(join(workspace, 'missing.txt'))),
          stepOf(words.unknown),
          stepOf(words.invalid),
          stepOf(words.shell('echo after')),
        ],
      }));
      home.agentJob();
      const { code, stdout } = await home.runPod();
      expect([code, stdout]).toEqual([0, expect.stringContaining(RESULT)]);
      expectCalls(home, truth, [
        truth.exits(0),
        { ...truth.exits(3), ok: false },
        {},
        {},
        truth.miss,
        truth.unknown,
        truth.invalid,
        truth.exits(0),
      ]);
      expect(readFileSync(join(home.cwd, 'note.txt'), 'utf8')).toBe('one\nthree\n');
      expect(home.channel.findLast(({ type }) => type === 'job_completed')?.data['result']).toBe(RESULT);
      await expectNothingLeft(home);
    });

    it('tells its session, its turn, and what it used, once', async () => {
      const usage = { input: 1_000, output: 50, cacheRead: 300 };
      await using home = await AgentHome.open(kind, {
        main: [{ ...stepOf(words.shell('echo one')), usage }, ...words.delegate('Count the INNER sheep.')],
        INNER: [stepOf(words.shell('echo inner')), words.conclude('There are three sheep.')],
      });
      home.agentJob();
      expect((await home.runPod()).code).toBe(0);
      const told = (type: string) => home.channel.filter((line) => line.type === type).map(({ data }) => data);
      const version = truth.tellsVersion === false ? {} : { version: home.cli.version };
      const session = { agent: kind, agent_session_id: expect.any(String), via: 'pod', ...version };
      expect(told('agent_session').at(-1)).toMatchObject(session);
      expect(new Set(told('agent_session').map(({ agent_session_id: id }) => id)).size).toBe(1);
      const turn = { prompt: 'Do what the script says.', answer: RESULT, outcome: 'completed' };
      expect(told('agent_turn')).toMatchObject([turn]);
      const count = home.model.requests.filter(({ kind: what }) => what !== 'aside').length;
      const sum = (field: string) => told('usage').reduce((total, line) => total + Number(line[field]), 0);
      expect({
        input: sum('input_tokens'),
        output: sum('output_tokens'),
        cacheRead: sum('cache_read_tokens'),
      }).toEqual({ input: 1_000 + 100 * (count - 1), output: 50 + 20 * (count - 1), cacheRead: 300 });
    });

    it('has a call that the agent itself does not allow', async () => {
      await using home = await AgentHome.open(kind, (workspace) => ({
        main: [stepOf(words.write(join(workspace, 'note.txt'), 'one\n'))],
      }));
      home.agentJob('', 'read');
      await home.runPod();
      expectCalls(home, truth, [truth.refused]);
      expect(existsSync(join(home.cwd, 'note.txt'))).toBe(false);
    });

    it('goes on where the model was busy or failed, and has no call twice', async () => {
      const busy: Step = { ...stepOf(words.shell('echo one')), fault: { kind: 'status', status: 429, retryAfterS: 0 } };
      const failing: Step = { ...stepOf(words.shell('echo two')), fault: { kind: 'status', status: 500 } };
      await using home = await AgentHome.open(kind, { main: [busy, failing] });
      home.agentJob();
      expect((await home.runPod()).code).toBe(0);
      expectCalls(home, truth, [truth.exits(0), truth.exits(0)]);
    });

    it('fails where the model refuses it, and says what the model said', async () => {
      const fault = { kind: 'status', status: 400, times: 100 } as const;
      await using home = await AgentHome.open(kind, { main: [{ ...stepOf(words.shell('echo one')), fault }] });
      home.agentJob();
      const { code, stdout, stderr } = await home.runPod();
      expect([code, stdout + stderr]).toEqual([
        truth.refusedCode ?? 1,
        expect.stringContaining('The script wants this to fail'),
      ]);
      expectCalls(home, truth, []);
    });

    it('is told at its next call what people say to it', async () => {
      await using home = await AgentHome.open(kind, (workspace) => ({
        main: [stepOf(words.shell(gateIn(workspace))), stepOf(words.shell('echo after'))],
      }));
      home.agentJob();
      await home.startPod();
      await untilAtGate(home);
      expect((await home.nika('pod', 'send', JOB, 'Mind the fourth wall.')).code).toBe(0);
      openGate(home);
      expect(await home.untilEnded()).toMatchObject({ status: 'completed' });
      expect(home.model.heard()).toContain('Mind the fourth wall.');
      const delivered = home.channel.filter(({ type }) => type === 'message_delivered').map(({ data }) => data);
      expect(delivered).toMatchObject([{ how: truth.hears, body: 'Mind the fourth wall.' }]);
    });

    it('has parallel calls once each, whichever ends first', async () => {
      const commands = ['sleep 0.3; echo slow', 'echo fast', 'exit 4', 'sleep 0.1; echo middle'];
      await using home = await AgentHome.open(kind, {
        main: [stepOf(...commands.map((command) => words.shell(command)))],
      });
      home.agentJob();
      expect((await home.runPod()).code).toBe(0);
      expectCalls(home, truth, [truth.exits(0), truth.exits(0), { ...truth.exits(4), ok: false }, truth.exits(0)]);
    });

    it('has the calls of a subagent under its SUB', async () => {
      const conclusion = words.conclude('There are three sheep.');
      await using home = await AgentHome.open(kind, {
        main: [...words.delegate('Count the INNER sheep.'), stepOf(words.shell('echo outer'))],
        INNER: [stepOf(words.shell('echo inner')), conclusion],
      });
      home.agentJob();
      expect((await home.runPod()).code).toBe(0);
      const inner: readonly (CallEnd | 'untold')[] = [
        truth.exits(0),
        ...(conclusion.calls ?? []).map(() => truth.conclude ?? {}),
      ];
      const ofLane = {
        main: [...(truth.delegate ?? words.delegate('').map(() => ({}))), truth.exits(0)],
        INNER: [...inner],
      };
      expectCalls(
        home,
        truth,
        home.model.calls.map(({ lane }) => {
          const end = ofLane[lane === 'INNER' ? 'INNER' : 'main'].shift() ?? {};
          return lane === 'INNER' && end !== 'untold' ? { ...end, sub: truth.sub } : end;
        }),
      );
      const subs = home.channel.filter(({ meta }) => meta['entity_type'] === 'SUB');
      expect(subs.filter(({ type }) => type !== 'tool_call' && type !== 'usage').map(({ type }) => type)).toEqual([
        'entity_created',
        'entity_started',
        'job_completed',
      ]);
      expect(home.channel.findLast(({ type }) => type === 'subagent_completed')?.data['summary']).toContain(
        'three sheep',
      );
    });

    it('goes on after a call that the policy denies, whose reason the model is told', async () => {
      await using home = await AgentHome.open(kind, {
        main: [
          stepOf(words.shell('echo allowed')),
          stepOf(words.shell('git push --force')),
          stepOf(words.shell('echo after')),
        ],
      });
      home.agentJob(`policy: { deny: ["*: git push*"] }`);
      expect((await home.runPod()).code).toBe(0);
      expectCalls(home, truth, [truth.exits(0), truth.denied, truth.exits(0)]);
      const refused = home.model.calls.find(({ step }) => step === 1)?.id ?? '';
      expect(home.model.results.get(refused)).toContain('git push');
    });

    it('has a call whose output is a megabyte, in a line of at most 64 KiB', async () => {
      await using home = await AgentHome.open(kind, {
        main: [
          stepOf(words.shell("head -c 1000000 /dev/zero | tr '\\\\0' x; echo the-end")),
          stepOf(words.shell('echo after')),
        ],
      });
      home.agentJob();
      expect((await home.runPod()).code).toBe(0);
      expectCalls(home, truth, [truth.exits(0), truth.exits(0)]);
      const lines = readFileSync(join(home.dir, '_bus/channels', `${JOB}.jsonl`), 'utf8').split('\n');
      expect(Math.max(...lines.map((line) => Buffer.byteLength(line)))).toBeLessThan(64 * 1024);
    });
  });
};
