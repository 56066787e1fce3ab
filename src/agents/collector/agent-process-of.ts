/** Owns which process is the agent that a hook came from: the nearest one above the hook that is it by its command. Linux. */
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { AGENT_PROGRAMS, isAgentKind } from '../../model/agent.ts';
import { startTicksOf } from '../../failopen/process-identity.ts';

export interface AgentProcess {
  readonly pid: number;
  readonly startTicks: string;
}

const MAX_ABOVE = 8;

const read = (path: string): string => {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
};

const parentOf = (pid: number): number => {
  const stat = read(`/proc/${pid}/stat`);
  return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1] ?? 0);
};

const isIt = (pid: number, program: string): boolean => {
  const words = read(`/proc/${pid}/cmdline`).split('\0').slice(0, 3);
  return words.some((word) => basename(word).replace(/\.(exe|js|mjs|cjs)$/, '') === program);
};

/** `undefined`: none above it is the agent by its command, or there is no /proc. */
export const agentProcessOf = (hookParent: number, agent: string): AgentProcess | undefined => {
  const program = isAgentKind(agent) ? AGENT_PROGRAMS[agent] : agent;
  let pid = hookParent;
  for (let step = 0; step < MAX_ABOVE && pid > 1; step += 1) {
    if (isIt(pid, program)) return { pid, startTicks: startTicksOf(pid) };
    pid = parentOf(pid);
  }
  return undefined;
};

export const isGone = ({ pid, startTicks }: AgentProcess): boolean => startTicksOf(pid) !== startTicks;
