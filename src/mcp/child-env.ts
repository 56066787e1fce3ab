/**
 * Owns the environment that a pod is started with by an agent: that of the agent, without what says "you run inside of
 * me". A Claude Code that finds itself inside of another refuses to start; others change how they work.
 */

/** What agents set for their MCP servers and tools (seen of Claude Code 2.1, opencode 1.18, Gemini 0.61). */
const OF_AGENTS: readonly string[] = [
  'CLAUDECODE',
  'CLAUDE_CODE_ENTRYPOINT',
  'CLAUDE_CODE_SESSION_ID',
  'CLAUDE_CODE_SSE_PORT',
  'CLAUDE_PROJECT_DIR',
  'AI_AGENT',
  'AGENT',
  'OPENCODE',
  'OPENCODE_PID',
  'GEMINI_CLI',
  'GEMINI_CLI_NO_RELAUNCH',
  'GEMINI_PROJECT_DIR',
];

/** Of the pod that the agent runs in: a pod whose own socket could not be opened must not report to another. */
const OF_THE_POD: readonly string[] = ['NIKA_SOCKET'];

type Env = Readonly<Record<string, string | undefined>>;

export const childEnv = (env: Env): Env => {
  const left = [...OF_AGENTS, ...OF_THE_POD];
  return Object.fromEntries(Object.entries(env).filter(([name]) => !left.includes(name)));
};
