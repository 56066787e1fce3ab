/** Owns the names of the agents that nika knows. */

/** As `agent` of a job and of the envelope has it. Others are taken as they call themselves. */
export const AGENT_KINDS = ['claude-code', 'codex', 'opencode', 'gemini'] as const;
export type AgentKind = (typeof AGENT_KINDS)[number];

export const isAgentKind = (text: string): text is AgentKind => AGENT_KINDS.some((kind) => kind === text);

/** The commands of their CLIs. */
export const AGENT_PROGRAMS: Readonly<Record<AgentKind, string>> = {
  'claude-code': 'claude',
  codex: 'codex',
  opencode: 'opencode',
  gemini: 'gemini',
};

/** The agent that a command starts; `undefined`: another program. */
export const agentOfProgram = (program: string): AgentKind | undefined =>
  AGENT_KINDS.find((kind) => AGENT_PROGRAMS[kind] === program);

/** What an agent may do without asking: read; also edit files; all. `ask`: as the agent itself has it. */
export const PERMISSIONS = ['ask', 'read', 'edit', 'full'] as const;
export type Permission = (typeof PERMISSIONS)[number];

/** Whether an agent says itself what its calls cost. */
export type TellsCost = 'with each call' | 'at the end' | 'never';
const TELLS_COST: Readonly<Record<AgentKind, TellsCost>> = {
  'claude-code': 'at the end',
  codex: 'never',
  opencode: 'with each call',
  gemini: 'never',
};

/** Of a program, or an agent that nika does not know: never. */
export const tellsCost = (agent: string | undefined): TellsCost =>
  agent !== undefined && isAgentKind(agent) ? TELLS_COST[agent] : 'never';
