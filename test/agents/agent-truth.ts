/** Owns what is true of an agent, so that one table of cases can be asked of each; and the steps that the cases share. */
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { until } from '../pods.ts';
import type { ScriptedCall, Step } from '../servers/model/script.ts';
import type { AgentHome } from './agent-home.ts';
import { type CallEnd, callsOf, type TellCall, wantedCalls } from './bus-calls.ts';

/** What is true of one agent; see {@link CallEnd}. */
export interface AgentTruth {
  readonly tell: TellCall;
  /** A shell command that exits with a code: whether the agent tells it. */
  readonly exits: (code: number) => CallEnd;
  /** `false`: it does not tell which version it is. */
  readonly tellsVersion?: boolean;
  /** A tool that fails on what it finds. */
  readonly miss: CallEnd | 'untold';
  readonly unknown: CallEnd | 'untold';
  readonly invalid: CallEnd | 'untold';
  /** One that the policy of nika denies. */
  readonly denied: CallEnd | 'untold';
  /** An edit by an agent that may only read. */
  readonly refused: CallEnd | 'untold';
  /** How it is told what people say while it works. */
  readonly hears: 'tool call' | 'turn end' | 'resumed turn';
  /** With which code it ends where the model refuses it; missing: 1. */
  readonly refusedCode?: number;
  /** One that was under way when the pod was stopped, or the agent killed. */
  readonly interrupted: CallEnd;
  /** The type of the subagents that its words start. */
  readonly sub: string;
  /** The calls that start a subagent and wait for it; missing: they are told like any. */
  readonly delegate?: readonly (CallEnd | 'untold')[];
  /** What ends a subagent, where that is a call. */
  readonly conclude?: CallEnd | 'untold';
}

export const stepOf = (...calls: readonly ScriptedCall[]): Step => ({ calls });

/** A command that says that it is there, and waits until it may go on. */
export const gateIn = (workspace: string): string =>
  `touch ${workspace}/there; while [ ! -e ${workspace}/go ]; do sleep 0.05; done`;

export const untilAtGate = (home: AgentHome): Promise<boolean> =>
  until('the agent to come to its gate', () => existsSync(join(home.cwd, 'there')));

export const openGate = (home: AgentHome): void => writeFileSync(join(home.cwd, 'go'), '');

/** The exact list of calls on the bus: those that the model played, each with its end. */
export const expectCalls = (home: AgentHome, truth: AgentTruth, ends: readonly (CallEnd | 'untold')[]): void => {
  expect(callsOf(home)).toEqual(wantedCalls(home, truth.tell, ends));
};

/** No process, and a bus that is whole and closed. */
export const expectNothingLeft = async (home: AgentHome): Promise<void> => {
  const { pid } = home.record.process; // it is the last to go
  await until('the supervisor to be gone', () => !home.processes.includes(pid));
  expect(home.processes).toEqual([]);
  const { code, stdout } = await home.nika('bus', 'verify');
  expect([code, stdout]).toEqual([0, expect.stringContaining('Every line is as it was written')]);
};
